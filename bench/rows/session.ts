/** What sessions cost that move no files: listings, logins beside a slow store, and mere presence. */
import { MiB } from '#gateway/kit/bytes.ts';
import { sleep, systemClock } from '#gateway/kit/clock.ts';
import type { Contender } from '../contender.ts';
import { FtpSession } from '../ftp-session.ts';
import type { Figures, Row } from '../row.ts';
import { manyNames } from '../store/list-page.ts';
import type { Store } from '../store.ts';

export const sessionRows: readonly Row[] = [
  {
    name: 'list',
    title: `LIST of ${manyNames.toLocaleString('en')} names`,
    contenders: ['gateway', 'relay-node'],
    rounds: 5,
    goals: [
      { figure: 'first line ms', of: 'value', atMost: 50 },
      { figure: 'whole ms', of: 'ratio', atMost: 1.2 },
    ],
    measure: measureListing,
  },
  {
    name: 'login',
    title: 'Login while other sessions wait for a store that takes 1.5 s a call',
    contenders: ['gateway', 'relay-node'],
    rounds: 3,
    goals: [{ figure: 'login ms, 95 %', of: 'value', atMost: 10 }],
    measure: measureLogins,
  },
  {
    name: 'idle',
    title: '1,000 sessions logged in and idle',
    contenders: ['gateway', 'relay-node'],
    rounds: 3,
    goals: [{ figure: 'MiB for 1,000', of: 'value', atMost: 20 }],
    measure: measureIdle,
  },
];

async function measureListing(contender: Contender): Promise<Figures> {
  const { child } = contender;
  const session = await FtpSession.logIn(contender);
  await session.list('many');
  const cpuBefore = child.cpuSeconds();
  const { firstMs, wholeMs, bytes } = await session.list('many');
  const cpuSeconds = child.cpuSeconds() - cpuBefore;
  session.close();
  if (bytes < 60 * manyNames) throw new Error(`the listing has ${bytes} bytes: names are missing`);
  return {
    'first line ms': firstMs,
    'whole ms': wholeMs,
    'CPU s': cpuSeconds,
    'peak MiB': child.peakRssBytes() / MiB,
  };
}

const busySessions = 8;
const loginCount = 40;

async function measureLogins(contender: Contender, store: Store): Promise<Figures> {
  const first = await FtpSession.logIn(contender);
  store.delay(1500);
  const busy = await Promise.all(
    Array.from({ length: busySessions }, () => FtpSession.logIn(contender)),
  );
  const work = Promise.all(busy.map((session, index) => session.store(`slow-${index}`, 3 * MiB)));
  const times: number[] = [];
  for (let count = 0; count < loginCount; count++) {
    const beganMs = performance.now();
    const session = await FtpSession.logIn(contender);
    times.push(performance.now() - beganMs);
    session.close();
    await sleep(systemClock, 30);
  }
  await work;
  store.delay(0);
  for (const session of [first, ...busy]) session.close();
  times.sort((one, other) => one - other);
  return {
    'login ms, median': times[Math.floor(loginCount / 2)] ?? 0,
    'login ms, 95 %': times[Math.floor(loginCount * 0.95)] ?? 0,
    'login ms, most': times.at(-1) ?? 0,
  };
}

const idleCount = 1000;
const settleMs = 1500;

async function measureIdle(contender: Contender): Promise<Figures> {
  const { child } = contender;
  // What the first sessions cost is code and not sessions.
  for (let count = 0; count < 50; count++) (await FtpSession.logIn(contender)).close();
  await sleep(systemClock, settleMs);
  const before = child.rssBytes();
  const sessions: FtpSession[] = [];
  const cpuBefore = child.cpuSeconds();
  for (let count = 0; count < idleCount; count += 50) {
    sessions.push(
      ...(await Promise.all(Array.from({ length: 50 }, () => FtpSession.logIn(contender)))),
    );
  }
  const cpuSeconds = child.cpuSeconds() - cpuBefore;
  await sleep(systemClock, settleMs);
  const after = child.rssBytes();
  for (const session of sessions) session.close();
  return {
    'MiB for 1,000': ((after - before) / MiB) * (1000 / idleCount),
    'MiB before': before / MiB,
    'CPU ms a login': (cpuSeconds * 1000) / idleCount,
  };
}
