/**
 * 64 uploads of 32 MiB at once, in a container's 256 MiB: memory must be bounded by more than luck. The relay
 * takes what it wants, because in 256 MiB the kernel ends it and there would be nothing to compare with.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MiB } from '#gateway/kit/bytes.ts';
import { describeError } from '#gateway/kit/errors.ts';
import type { Contender } from '../contender.ts';
import { FtpSession } from '../ftp-session.ts';
import type { Figures, Row } from '../row.ts';

const uploads = 64;
const fileBytes = 32 * MiB;
const limitBytes = 256 * MiB;
const controller = '/sys/fs/cgroup/memory';

let made: string | undefined;

export const crowdRow: Row = {
  name: 'crowd',
  title: `${uploads} uploads of 32 MiB at once in a memory cgroup of 256 MiB (relay-node without one)`,
  contenders: ['gateway', 'relay-node'],
  rounds: 3,
  goals: [
    { figure: 'finished', of: 'value', atLeast: uploads },
    { figure: 'MiB/s', of: 'ratio', atLeast: 0.8 },
  ],
  obstacle: cgroupObstacle,
  contenderOptions: (name) => (name === 'gateway' ? { cgroupFile: cgroupFile() } : {}),
  measure,
};

async function measure(contender: Contender): Promise<Figures> {
  const { child } = contender;
  const sessions = await Promise.all(
    Array.from({ length: uploads }, () => FtpSession.logIn(contender)),
  );
  const cpuBefore = child.cpuSeconds();
  const beganMs = performance.now();
  const outcomes = await Promise.allSettled(
    sessions.map((session, index) => session.store(`crowd-${index}`, fileBytes)),
  );
  const seconds = (performance.now() - beganMs) / 1000;
  for (const session of sessions) session.close();
  const finished = outcomes.filter(({ status }) => status === 'fulfilled').length;
  if (child.hasEnded) return { finished, 'MiB/s': 0 };
  const movedMiB = (finished * fileBytes) / MiB;
  return {
    finished,
    'MiB/s': movedMiB / seconds,
    'CPU s/GiB': ((child.cpuSeconds() - cpuBefore) * 1024) / movedMiB,
    'peak MiB': child.peakRssBytes() / MiB,
  };
}

/** One cgroup for the process's life; its name is its own. */
function cgroupFile(): string {
  if (made === undefined) {
    const directory = join(controller, `cosftp-bench-${process.pid}`);
    mkdirSync(directory);
    made = directory;
    process.once('exit', () => rmdirSync(directory));
    writeFileSync(join(directory, 'memory.limit_in_bytes'), String(limitBytes));
  }
  return join(made, 'cgroup.procs');
}

/** Version 1 of the controller, and the right to make a group in it. */
function cgroupObstacle(): string | undefined {
  try {
    readFileSync(join(controller, 'memory.limit_in_bytes'));
    cgroupFile();
    return undefined;
  } catch (error) {
    return `no memory cgroup can be made: ${describeError(error)}`;
  }
}
