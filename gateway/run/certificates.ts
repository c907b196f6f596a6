/**
 * The certificate the gateway serves with, followed while it runs: new control connections get a changed
 * pair, sessions under way keep theirs. Certificate and key are two files, so for a moment they may not
 * belong together; only a pair that stays unusable is complained about, and the one before stays in use.
 */
import type { SecureContext } from 'node:tls';
import type { TlsConfig } from '#gateway/config/model.ts';
import { createTlsContext, type TlsIdentity } from '#gateway/ftp/tls/context.ts';
import type { TlsService } from '#gateway/ftp-srv/services.ts';
import type { Clock } from '#gateway/kit/clock.ts';
import { describeError } from '#gateway/kit/errors.ts';
import { FileWatch } from '#gateway/kit/file-watch.ts';
import type { Log } from '#gateway/kit/log.ts';
import {
  type Certificate,
  CertificateError,
  checkCertificate,
  readCertificate,
  readIdentity,
  validityProblem,
} from './certificate.ts';

/** For metrics. */
export interface CertificateObserver {
  certificateLoaded(unixSeconds: number): void;
  certificateRefused(): void;
}

export interface CertificatesOptions {
  readonly tls: TlsConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: CertificateObserver;
}

/** Longer than whoever replaces the files needs between the two. */
const unusableMs = 5_000;

interface Unusable {
  readonly sinceMs: number;
  readonly reason: string;
  isTold: boolean;
}

export class Certificates implements TlsService {
  readonly #options: CertificatesOptions;
  readonly #watches: readonly FileWatch[];
  #current: Certificate;
  /** All control connections share it, so that a client's second one resumes the session of its first. */
  #shared: SecureContext;
  #unusable: Unusable | undefined;

  /** Reads the pair; follows it from `start` on. @throws CertificateError */
  constructor(options: CertificatesOptions) {
    this.#options = options;
    const { tls, clock } = options;
    this.#current = readCertificate(tls);
    this.#shared = this.#createContext();
    this.#watches = [tls.certificate_file, tls.key_file].map(
      (path) => new FileWatch({ path, clock, look: () => this.look() }),
    );
    this.#tellLoaded();
  }

  get required(): boolean {
    return this.#options.tls.required;
  }

  get sessionReuse(): 'optional' | 'required' {
    return this.#options.tls.session_reuse;
  }

  get closeNotify(): 'optional' | 'required' {
    return this.#options.tls.close_notify;
  }

  /** Where reuse is required, a session's own ticket keys make its own control connection the only source. */
  contextForSession(): SecureContext {
    return this.sessionReuse === 'required' ? this.#createContext() : this.#shared;
  }

  async start(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.start()));
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
  }

  /** Looks at the files once; `start` sees to it that this happens in time. Never rejects. */
  async look(): Promise<void> {
    try {
      const found = await readIdentity(this.#options.tls);
      if (!isSamePair(found, this.#current)) this.#take(found);
      this.#unusable = undefined;
    } catch (error) {
      this.#keepOld(error);
    }
  }

  #createContext(): SecureContext {
    const { min_version: min, max_version: max } = this.#options.tls;
    return createTlsContext(this.#current, { min, max });
  }

  /** @throws CertificateError */
  #take(found: TlsIdentity): void {
    this.#current = checkCertificate(this.#options.tls, found);
    this.#shared = this.#createContext();
    this.#tellLoaded();
  }

  /** Told once, when it lasts. */
  #keepOld(error: unknown): void {
    const { clock, log, observer } = this.#options;
    const reason = describeError(error);
    const nowMs = clock.monotonicMs();
    if (this.#unusable?.reason !== reason) {
      this.#unusable = { sinceMs: nowMs, reason, isTold: false };
    }
    if (this.#unusable.isTold || nowMs - this.#unusable.sinceMs < unusableMs) return;
    this.#unusable.isTold = true;
    const hint = error instanceof CertificateError ? error.hint : undefined;
    observer.certificateRefused();
    log.error({ reason, hint }, 'changed certificate not usable, keeping the one before');
  }

  #tellLoaded(): void {
    const { clock, log, observer } = this.#options;
    const { subject, fingerprint, notAfter } = this.#current;
    observer.certificateLoaded(notAfter.getTime() / 1000);
    const problem = validityProblem(this.#current, clock.now());
    const fields = { subject, fingerprint, not_after: notAfter.toISOString() };
    if (problem) log.warn({ ...fields, problem }, 'certificate loaded');
    else log.info(fields, 'certificate loaded');
  }
}

function isSamePair(one: TlsIdentity, other: TlsIdentity): boolean {
  return (
    Buffer.compare(one.certificate, other.certificate) === 0 &&
    Buffer.compare(one.key, other.key) === 0
  );
}
