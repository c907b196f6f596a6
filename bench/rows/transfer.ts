/** One large file up and one down, over one session. */
import { GiB, MiB } from '#gateway/kit/bytes.ts';
import type { Contender } from '../contender.ts';
import { FtpSession } from '../ftp-session.ts';
import type { Figures, Row } from '../row.ts';

const warmUpBytes = 192 * MiB;

export const transferRows: readonly Row[] = [
  {
    name: 'upload',
    title: '1 GiB up, one session, CRC-64 compared by the gateway',
    contenders: ['gateway', 'relay-node'],
    rounds: 5,
    goals: [
      { figure: 'MiB/s', of: 'ratio', atLeast: 1.1 },
      { figure: 'CPU s/GiB', of: 'value', atMost: 1.0 },
    ],
    measure: (contender) => measure(contender, (session, bytes) => session.store('file', bytes)),
  },
  {
    name: 'download',
    title: '1 GiB down, one session, CRC-64 compared by the gateway',
    contenders: ['gateway', 'relay-node'],
    rounds: 5,
    goals: [
      { figure: 'MiB/s', of: 'ratio', atLeast: 1.4 },
      { figure: 'CPU s/GiB', of: 'value', atMost: 0.9 },
    ],
    measure: (contender) =>
      measure(contender, (session, bytes) => session.retrieve(`get/${bytes}`, bytes)),
  },
];

async function measure(
  { child, ftpPort }: Contender,
  move: (session: FtpSession, bytes: number) => Promise<void>,
): Promise<Figures> {
  const session = await FtpSession.logIn(ftpPort);
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
