/**
 * The store of the benchmark, in a process of its own. It says its port, then obeys two messages: how long
 * to wait before each answer, and to tell what was asked of it.
 */
import { type AddressInfo, createServer } from 'node:net';
import { type Answer, serveConnection } from './connection.ts';
import { Objects } from './objects.ts';

export type StoreOrder = { readonly delayMs: number } | { readonly tell: 'counts' };
export type StoreNews =
  | { readonly port: number }
  | { readonly counts: Readonly<Record<string, number>> };

const objects = new Objects();
let delayMs = 0;

const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted) => {
  serveConnection(accepted, (request, answer) =>
    objects.serve(request, (given: Answer) => {
      if (delayMs === 0) answer(given);
      else setTimeout(() => answer(given), delayMs);
    }),
  );
});
server.listen(0, '127.0.0.1', () => {
  tell({ port: (server.address() as AddressInfo).port });
});

process.on('message', (order: StoreOrder) => {
  if ('delayMs' in order) {
    delayMs = order.delayMs;
    return;
  }
  tell({ counts: Object.fromEntries(objects.counts) });
  objects.counts.clear();
});
for (const end of ['disconnect', 'SIGINT'] as const) process.once(end, () => process.exit());

function tell(news: StoreNews): void {
  process.send?.(news);
}
