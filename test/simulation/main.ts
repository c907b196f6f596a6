/**
 * `npm run sim`: seeded runs of uploads, renames, cuts, kills and a failing COS on virtual time, each held to
 * the promise that 226 means stored.
 *
 *   npm run sim                        10,000 runs from a seed of the day
 *   npm run sim -- --runs 500          that many
 *   npm run sim -- --first 20000       beginning with that seed
 *   npm run sim -- --seed 4711         exactly one run, with everything that happened in it
 */
import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { simulate } from './run.ts';

const usage = `npm run sim -- [--runs N] [--first SEED] | --seed SEED

  --runs N      runs to play; default 10000
  --first SEED  seed of the first, the others follow; default another one each day
  --seed SEED   one run, told line by line in virtual time
  --help        this text

Ends with 0 when every run kept every promise, with 1 when one did not, with 2 for a wrong option.
`;

const runsToldMax = 5;

function readOptions() {
  const options = {
    runs: { type: 'string', default: '10000' },
    first: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n\n${usage}`);
  process.exit(2);
}

function wholeNumber(name: string, text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : refuse(`--${name} ${text}: not a whole number`);
}

/** @returns whether it kept every promise. */
async function tellOne(seed: number): Promise<boolean> {
  const { trace, violations } = await simulate(seed);
  process.stdout.write(`${trace.join('\n')}\n\n`);
  for (const violation of violations) process.stdout.write(`VIOLATION: ${violation}\n`);
  process.stdout.write(`seed ${seed}: ${violations.length} violations\n`);
  return violations.length === 0;
}

async function playMany(first: number, runs: number): Promise<boolean> {
  process.stdout.write(`${runs} runs, seeds ${first} to ${first + runs - 1}\n`);
  let told = 0;
  const report = await runCampaign({
    first,
    runs,
    onViolation: ({ seed, violations }) => {
      if (++told > runsToldMax) return;
      for (const violation of violations) process.stdout.write(`VIOLATION: ${violation}\n`);
      process.stdout.write(`  again: npm run sim -- --seed ${seed}\n`);
    },
    onProgress: (done) => process.stdout.write(`  ${done} runs\n`),
  });
  const counts = Object.entries(report.tally)
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([name, count]) => `${name} × ${count}`);
  process.stdout.write(`${counts.join(', ')}\n`);
  process.stdout.write(
    `${runs} runs in ${report.seconds.toFixed(0)} s (${(report.virtualHours / 24).toFixed(0)} days of virtual time): ${report.failedSeeds.length} with violations\n`,
  );
  return report.failedSeeds.length === 0;
}

const { runs, first, seed, help } = readOptions();
if (help) {
  process.stdout.write(usage);
} else {
  const day = Math.floor(Date.now() / 86_400_000) % 10_000;
  const isKept =
    seed === undefined
      ? await playMany(
          wholeNumber('first', first ?? String(day * 10_000)),
          wholeNumber('runs', runs),
        )
      : await tellOne(wholeNumber('seed', seed));
  process.exitCode = isKept ? 0 : 1;
}
