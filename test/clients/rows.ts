/** All rows, in the order in which they run, and what of them the gateway does not do yet. */
import type { Mode } from './client.ts';
import type { Row } from './row.ts';
import { abortRows } from './rows/abort.ts';
import { listingRows } from './rows/listing.ts';
import { manyRows } from './rows/many.ts';
import { nameRows } from './rows/name.ts';
import { sessionRows } from './rows/session.ts';
import { transferRows } from './rows/transfer.ts';
import { treeRows } from './rows/tree.ts';

export const rows: readonly Row[] = [
  ...sessionRows,
  ...listingRows,
  ...transferRows,
  ...manyRows,
  ...treeRows,
  ...nameRows,
  ...abortRows,
];

/** What a run without `--mode` tries: all of them as soon as the gateway speaks TLS. */
export const usualModes: readonly Mode[] = ['clear'];

/**
 * What the gateway refuses for now: the client must hear of a failure (or find another way that ends
 * right). Take a line out when the gateway has learned it; from then on the row must pass.
 */
export const notBuiltYet: ReadonlyMap<string, string> = new Map([
  ['rename-directory', 'RNFR of a directory is refused'],
]);
