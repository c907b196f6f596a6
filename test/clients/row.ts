/** One line of the suite: an operation that every client does in its own way, and what must then be stored. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { seededRandom } from '#test/support/random.ts';
import type { ActionName, FtpActions, FtpClient, Mode } from './client.ts';
import type { Server } from './servers/server.ts';

export interface World {
  /** A directory of the server that is empty and the row's own, without a slash behind. */
  readonly remote: string;
  /** Likewise of this machine. */
  readonly local: string;
  readonly server: Server;
  /** All of it, for rows that try whatever there is. */
  readonly client: FtpClient;
}

export interface Row {
  readonly name: string;
  /** A client that lacks one of them has no such row. */
  readonly uses: readonly ActionName[];
  /** Default: all. */
  readonly modes?: readonly Mode[];
  /** Names of those that run it. Default: all. */
  readonly clients?: readonly string[];
  /** Rejects when the operation failed or something else is stored than should be. */
  run(world: World): Promise<void>;
}

export function row<const Used extends ActionName>(
  name: string,
  uses: readonly Used[],
  run: (client: Pick<FtpActions, Used>, world: World) => Promise<void>,
  only: Pick<Row, 'modes' | 'clients'> = {},
): Row {
  return {
    name,
    uses,
    ...only,
    // The runner has looked that none of them is NotApplicable.
    run: (world) => run(world.client as Pick<FtpActions, Used>, world),
  };
}

/** The same every time, and different for every size. */
export function someBytes(count: number): Buffer {
  return Buffer.from(seededRandom(count + 1).bytes(count).buffer);
}

/** Reads past the client: what COS has, with its checksum. */
export async function expectStored(world: World, path: string, bytes: Uint8Array): Promise<void> {
  const stored = await world.server.store.read(path);
  assert.ok(stored, `${path} is not stored`);
  expectSameBytes(stored.bytes, bytes, path);
  assert.equal(await world.server.store.openUploads(path), 0, 'uploads left open');
}

export async function expectLocal(path: string, bytes: Uint8Array): Promise<void> {
  expectSameBytes(await readFile(path), bytes, path);
}

function expectSameBytes(actual: Uint8Array, expected: Uint8Array, path: string): void {
  assert.equal(actual.length, expected.length, `length of ${path}`);
  assert.ok(
    Buffer.compare(actual, expected) === 0,
    `${path} holds other bytes: ${digest(actual)} instead of ${digest(expected)}`,
  );
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
