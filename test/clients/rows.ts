/** All rows, in the order in which they run. */
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
