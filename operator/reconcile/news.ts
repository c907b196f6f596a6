/**
 * Tells events of a gateway when they are new. A plan names the same ones again until its status is
 * written and read back, and a refusal stays for as long as nobody acts; each is told once.
 */
import type { FtpGateway } from '#operator/api/ftp-gateway.ts';
import type { PlannedEvent } from '#operator/plan/events.ts';
import { canonicalJson } from './difference.ts';

export type Tell = (gateway: FtpGateway, event: PlannedEvent) => void;

/** What is told about: a plan's own events, and what was refused. */
export type Topic = 'plan' | 'refusals';

export class News {
  readonly #tell: Tell;
  /** Key of a gateway → topic → what was told last. */
  readonly #told = new Map<string, Map<Topic, string>>();

  /** @param tell must not throw. */
  constructor(tell: Tell) {
    this.#tell = tell;
  }

  tell(key: string, gateway: FtpGateway, topic: Topic, events: readonly PlannedEvent[]): void {
    const news = canonicalJson(events);
    const told = this.#told.get(key) ?? new Map<Topic, string>();
    if (told.get(topic) === news) return;
    this.#told.set(key, told.set(topic, news));
    for (const event of events) this.#tell(gateway, event);
  }

  /** For a gateway that is gone. */
  forget(key: string): void {
    this.#told.delete(key);
  }
}
