/** Ports in a row for a server that must be told its passive range before it starts. */
import { once } from 'node:events';
import { createServer } from 'node:net';

export interface PortRange {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
}

/** As the word passive_port wants it. @throws as freePortRange. */
export async function freePassivePort(count: number): Promise<string> {
  const { first, last } = await freePortRange(count);
  return `${first}-${last}`;
}

/** Below Linux's ephemeral ports, which other connections take at any time. */
const lowest = 12_000;
const highest = 32_000;
const attemptsMax = 50;

/** @throws when fifty random places had no such range. */
export async function freePortRange(count: number): Promise<PortRange> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const first = lowest + Math.floor(Math.random() * (highest - lowest - count));
    const last = first + count - 1;
    if (await areFree(first, last)) return { first, last };
  }
  throw new Error(`found no ${count} free ports in a row`);
}

async function areFree(first: number, last: number): Promise<boolean> {
  for (let port = first; port <= last; port++) {
    if (!(await isFree(port))) return false;
  }
  return true;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false; // taken, or not ours to take
  } finally {
    server.close();
  }
}
