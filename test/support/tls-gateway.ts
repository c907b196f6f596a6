/** A test gateway with a certificate. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TlsConfig } from '#gateway/config/model.ts';
import { type TestCertificate, testCertificate } from './certificate.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from './gateway.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface TlsGatewayOptions extends TestGatewayOptions {
  /** Words of the `tls` block that differ from the test's own. */
  readonly tls?: Readonly<Record<string, unknown>>;
  /** Default: one for the whole process. */
  readonly certificate?: TestCertificate;
}

export interface TlsGateway extends TestGateway {
  /** Where the pair stands: `tls.crt` and `tls.key`. */
  readonly directory: string;
}

/** The words for a pair in that directory, all others as they are by default. */
export function pairIn(directory: string): TlsConfig {
  return {
    certificate_file: join(directory, 'tls.crt'),
    key_file: join(directory, 'tls.key'),
    required: false,
    min_version: '1.2',
    max_version: '1.2',
    session_reuse: 'optional',
    close_notify: 'required',
  };
}

let shared: TestCertificate | undefined;

export async function startTlsGateway(options: TlsGatewayOptions = {}): Promise<TlsGateway> {
  const { tls, certificate = (shared ??= testCertificate()), ...rest } = options;
  await using opened = new AsyncDisposableStack();
  const { path: directory } = opened.use(await temporaryDirectory());
  await writePair(directory, certificate);
  const words = { ...rest.words, tls: { ...pairIn(directory), ...tls } };
  const gateway = opened.use(await startTestGateway({ ...rest, words }));
  const running = opened.move();
  return { ...gateway, directory, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Each file at once, as editors do it. */
export async function writePair(directory: string, pair: TestCertificate): Promise<void> {
  await replaceFile(join(directory, 'tls.crt'), pair.certificate);
  await replaceFile(join(directory, 'tls.key'), pair.key);
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
