/** Many runs, one seed after the other, and what they came to. */
import { type RunResult, simulate } from './run.ts';
import type { Seams } from './session.ts';

export interface CampaignOptions {
  readonly first: number;
  readonly runs: number;
  readonly seams?: Seams;
  readonly onViolation?: (result: RunResult) => void;
  /** Now and then, with the number of runs done. */
  readonly onProgress?: (done: number) => void;
}

export interface CampaignReport {
  readonly failedSeeds: readonly number[];
  /** Replies by code, faults, kills: how often. */
  readonly tally: Readonly<Record<string, number>>;
  readonly virtualHours: number;
  readonly seconds: number;
}

const progressEveryMs = 10_000;

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { first, runs, seams, onViolation, onProgress } = options;
  const startedMs = performance.now();
  let toldMs = startedMs;
  const failedSeeds: number[] = [];
  const tally: Record<string, number> = {};
  let virtualHours = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const result = await simulate(seed, seams);
    virtualHours += result.virtualHours;
    for (const [name, count] of Object.entries(result.tally)) {
      tally[name] = (tally[name] ?? 0) + count;
    }
    if (result.violations.length > 0) {
      failedSeeds.push(seed);
      onViolation?.(result);
    }
    if (performance.now() - toldMs < progressEveryMs) continue;
    toldMs = performance.now();
    onProgress?.(seed - first + 1);
  }
  return { failedSeeds, tally, virtualHours, seconds: (performance.now() - startedMs) / 1000 };
}
