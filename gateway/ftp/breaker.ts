/**
 * Turns a cut into a rejection of whatever a transfer is awaiting: memory, the store, its client. Nobody
 * who gave up or is gone may be waited for.
 */
import { cutOf, type TransferCut } from './cut.ts';

export class Breaker implements Disposable {
  readonly #cut: AbortSignal;
  readonly #broken = Promise.withResolvers<never>();

  /** @param cut aborted with a TransferCut as its reason. */
  constructor(cut: AbortSignal) {
    this.#cut = cut;
    this.#broken.promise.catch(() => undefined); // seen through the races; alone it is not an error
    cut.addEventListener('abort', this.#onCut);
    if (cut.aborted) this.#onCut();
  }

  /** What `work` gives, unless a cut comes first. @throws TransferCut, or what `work` throws. */
  unless<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#broken.promise]);
  }

  /** The first reason stays. */
  break(cut: TransferCut): void {
    this.#broken.reject(cut);
  }

  [Symbol.dispose](): void {
    this.#cut.removeEventListener('abort', this.#onCut);
  }

  readonly #onCut = (): void => this.break(cutOf(this.#cut));
}
