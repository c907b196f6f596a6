/** Files of 1 KiB, put and got one after the other by each session. */
import { KiB, MiB } from '#gateway/kit/bytes.ts';
import type { Contender, ContenderName } from '../contender.ts';
import { FtpSession } from '../ftp-session.ts';
import type { Figures, Goal, Row } from '../row.ts';
import type { Store } from '../store.ts';

/** Until the code that serves them is compiled: on a busy machine that is a number and not a time. */
const warmUpFiles = 1_500;
const measuredFiles = 4_000;
/** Of each of the four parts of a measurement. */
const patienceMs = 60_000;

export const smallFileRows: readonly Row[] = [
  row('small-1', 1, ['gateway', 'relay-node'], []),
  row(
    'small-32',
    32,
    ['gateway', 'relay-node'],
    [
      { figure: 'puts/s', of: 'ratio', atLeast: 0.75 },
      { figure: 'gets/s', of: 'ratio', atLeast: 0.75 },
      { figure: 'store requests per file', of: 'value', atMost: 1 },
    ],
  ),
  row('small-32-tls', 32, ['gateway, TLS', 'relay-node', 'relay-node, TLS'], []),
  row(
    'small-memory',
    32,
    ['gateway, store in memory'],
    [
      { figure: 'puts/s', of: 'value', atLeast: 1000 },
      { figure: 'gets/s', of: 'value', atLeast: 1000 },
    ],
  ),
  row('small-embedded', 32, ['gateway, embedded COS'], []),
];

function row(
  name: string,
  sessions: number,
  contenders: readonly ContenderName[],
  goals: readonly Goal[],
): Row {
  return {
    name,
    title: `1 KiB files over ${sessions} session${sessions === 1 ? '' : 's'}${titleEnd(contenders)}`,
    contenders,
    rounds: 5,
    goals,
    measure: (contender, store) => measure(contender, store, sessions),
  };
}

function titleEnd(contenders: readonly ContenderName[]): string {
  const [subject] = contenders;
  return subject === 'gateway' ? '' : `, ${subject}`;
}

async function measure(contender: Contender, store: Store, count: number): Promise<Figures> {
  const { child } = contender;
  const sessions = await Promise.all(
    Array.from({ length: count }, () => FtpSession.logIn(contender)),
  );
  const put = (session: FtpSession, index: number) => session.store(`small-${index}`, KiB);
  const get = (session: FtpSession, index: number) => session.retrieve(`small-${index}`, KiB);
  await during(sessions, put, warmUpFiles);
  await during(sessions, get, warmUpFiles);
  await store.counts();
  const puts = await timed(contender, () => during(sessions, put, measuredFiles));
  const gets = await timed(contender, () => during(sessions, get, measuredFiles));
  const requests = Object.values(await store.counts()).reduce((sum, each) => sum + each, 0);
  for (const session of sessions) session.close();
  return {
    'puts/s': puts.rate,
    'gets/s': gets.rate,
    'CPU ms a put': puts.cpuMs,
    'CPU ms a get': gets.cpuMs,
    ...(requests > 0 && { 'store requests per file': requests / (puts.files + gets.files) }),
    'peak MiB': child.peakRssBytes() / MiB,
  };
}

/** Every session keeps to a name of its own, so that what it gets is what it put. @returns files moved. */
async function during(
  sessions: readonly FtpSession[],
  work: (session: FtpSession, index: number) => Promise<void>,
  filesMax: number,
): Promise<number> {
  const endMs = performance.now() + patienceMs;
  let files = 0;
  await Promise.all(
    sessions.map(async (session, index) => {
      while (files < filesMax && performance.now() < endMs) {
        files += 1;
        await work(session, index);
      }
    }),
  );
  return files;
}

async function timed(
  { child }: Contender,
  work: () => Promise<number>,
): Promise<{ files: number; rate: number; cpuMs: number }> {
  const cpuBefore = child.cpuSeconds();
  const beganMs = performance.now();
  const files = await work();
  const seconds = (performance.now() - beganMs) / 1000;
  return {
    files,
    rate: files / seconds,
    cpuMs: ((child.cpuSeconds() - cpuBefore) * 1000) / files,
  };
}
