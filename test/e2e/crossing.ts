/**
 * Which way sessions took through a cluster: at which node each connection entered and to which pod it
 * went, told by the nodes' connection tables. Pure.
 */
import type { SessionConnections } from './sessions.ts';

interface Path {
  /** Where the load balancer sent it. */
  readonly entry: string;
  /** Address of the pod that got it. */
  readonly pod: string;
}

export interface Crossing {
  readonly sessions: number;
  readonly dataConnections: number;
  /** Of which some connection is in no table. */
  readonly unknown: number;
  /** Data connections that came to another pod than their control connection. */
  readonly astray: number;
  /** Sessions with a data connection that entered at another node than the control connection. */
  readonly enteredApart: number;
  /** Sessions with a data connection that entered at a node where its pod does not run. */
  readonly forwarded: number;
}

/** @param tables node → lines of `conntrack -L`. @param nodeOfPod pod address → node. */
export function measureCrossing(
  sessions: readonly SessionConnections[],
  tables: ReadonlyMap<string, string>,
  nodeOfPod: ReadonlyMap<string, string>,
): Crossing {
  const paths = readPaths(tables);
  const result = { dataConnections: 0, unknown: 0, astray: 0, enteredApart: 0, forwarded: 0 };
  for (const { from, data } of sessions) {
    const control = paths.get(`${from} 21`);
    const ways = data.map((connection) => paths.get(`${connection.from} ${connection.port}`));
    const known = ways.filter((way) => way !== undefined);
    result.dataConnections += data.length;
    if (!control || known.length < ways.length) {
      result.unknown += 1;
      continue;
    }
    result.astray += known.filter(({ pod }) => pod !== control.pod).length;
    result.enteredApart += Number(known.some(({ entry }) => entry !== control.entry));
    result.forwarded += Number(known.some(({ entry, pod }) => nodeOfPod.get(pod) !== entry));
  }
  return { sessions: sessions.length, ...result };
}

/**
 * The first four words are the client's view, the next the pod's answer: `src=client dst=balancer
 * sport=… dport=21 src=pod …`.
 */
const line = /src=\S+ dst=\S+ sport=(\d+) dport=(\d+) src=(\S+) /g;

function readPaths(tables: ReadonlyMap<string, string>): ReadonlyMap<string, Path> {
  const paths = new Map<string, Path>();
  for (const [entry, text] of tables) {
    for (const [, from, port, pod = ''] of text.matchAll(line)) {
      paths.set(`${from} ${port}`, { entry, pod });
    }
  }
  return paths;
}
