/** The stand-in for COS as the rows see it: a process with a port, a delay and a memory of what was asked. */
import { Child, scriptArgs } from './child.ts';
import type { StoreNews, StoreOrder } from './store/process.ts';

export type RequestCounts = Readonly<Record<string, number>>;

export class Store implements AsyncDisposable {
  readonly port: number;
  readonly child: Child;

  static async start(): Promise<Store> {
    const child = new Child({ args: scriptArgs('store/process.ts') });
    const { port } = await child.message<Extract<StoreNews, { port: number }>>();
    return new Store(child, port);
  }

  private constructor(child: Child, port: number) {
    this.child = child;
    this.port = port;
  }

  /** Before each answer from now on. */
  delay(delayMs: number): void {
    this.#order({ delayMs });
  }

  /** By kind, since the last call. */
  async counts(): Promise<RequestCounts> {
    this.#order({ tell: 'counts' });
    const news = await this.child.message<Extract<StoreNews, { counts: RequestCounts }>>();
    return news.counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }

  #order(order: StoreOrder): void {
    this.child.process.send(order);
  }
}
