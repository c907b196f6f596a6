/** One large file up and one down, over one session. */
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import type { Contender } from '../contender.ts';
import { FtpSession } from '../ftp-session.ts';
import type { Figures, Row } from '../row.ts';

const warmUpBytes = 192 * MiB;

type Direction = 'upload' | 'download';

const moves: Readonly<Record<Direction, (session: FtpSession, bytes: number) => Promise<void>>> = {
  upload: (session, bytes) => session.store('file', bytes),
  download: (session, bytes) => session.retrieve(`get/${bytes}`, bytes),
};
const words: Readonly<Record<Direction, string>> = { upload: 'up', download: 'down' };

export const transferRows: readonly Row[] = [
  row({ name: 'upload', ratio: 1.1, cpuSecondsMax: 1.0 }),
  row({ name: 'download', ratio: 1.4, cpuSecondsMax: 0.9 }),
  rowOverTls({ name: 'upload', ratio: 0.5 }),
  rowOverTls({ name: 'download', ratio: 0.85 }),
];

interface RowGoals {
  readonly name: Direction;
  /** Of the throughput to relay-node's in clear. */
  readonly ratio: number;
  readonly cpuSecondsMax?: number;
}

function row({ name, ratio, cpuSecondsMax }: RowGoals): Row {
  return {
    name,
    title: `1 GiB ${words[name]}, one session, CRC-64 compared by the gateway`,
    contenders: ['gateway', 'relay-node'],
    rounds: 5,
    goals: [
      { figure: 'MiB/s', of: 'ratio', atLeast: ratio },
      ...(cpuSecondsMax === undefined
        ? []
        : [{ figure: 'CPU s/GiB', of: 'value', atMost: cpuSecondsMax } as const]),
    ],
    measure: (contender) => measure(contender, moves[name]),
  };
}

function rowOverTls(goals: RowGoals): Row {
  const { title, ...inClear } = row(goals);
  return {
    ...inClear,
    name: `${goals.name}-tls`,
    title: `${title}, explicit FTPS (TLS 1.2) beside relay-node in clear and over TLS`,
    contenders: ['gateway, TLS', 'relay-node', 'relay-node, TLS'],
    rounds: 3,
  };
}

async function measure(
  contender: Contender,
  move: (session: FtpSession, bytes: number) => Promise<void>,
): Promise<Figures> {
  const { child } = contender;
  const session = await FtpSession.logIn(contender);
  await move(session, warmUpBytes);
  const cpuBefore = child.cpuSeconds();
  const beganMs = performance.now();
  await move(session, GiB);
  const seconds = (performance.now() - beganMs) / 1000;
  const cpuSeconds = child.cpuSeconds() - cpuBefore;
  session.close();
  return {
    'MiB/s': GiB / MiB / seconds,
    'CPU s/GiB': cpuSeconds,
    'peak MiB': child.peakRssBytes() / MiB,
  };
}
