/**
 * Carries out a Plan against the API server, in its order. One refused object (a quota, an admission rule,
 * a foreign object of that name) does not keep the others back, except shards, which stand on what comes
 * before them. Without an answer of the API server nothing more is tried.
 */
import { KindError } from '#gateway/kit/errors.ts';
import type { Plan } from '#operator/plan/plan.ts';
import { KubeError } from '#operator/runtime/errors.ts';
import { applyObject, removeObject } from './objects.ts';
import { annotatePod } from './pods.ts';
import { removePorts } from './stray-ports.ts';
import type { ApplyTarget } from './target.ts';

/** A step that was answered, but not done. */
export interface Refusal {
  /** For people: `Service files`. */
  readonly what: string;
  readonly error: KindError<string>;
}

export interface ApplyOutcome {
  /** Requests that changed something. */
  readonly changes: number;
  readonly refusals: readonly Refusal[];
}

/** @throws KubeError when the API server is away or asks to wait; the signal's reason. */
export async function applyPlan(target: ApplyTarget, plan: Plan): Promise<ApplyOutcome> {
  const steps = new Steps();
  for (const object of plan.foundation) {
    await steps.take(nameOf(object), () => applyObject(target, object));
  }
  const mayStand = steps.refusals.length === 0;
  for (const object of plan.beside) {
    await steps.take(nameOf(object), () => applyObject(target, object));
  }
  for (const object of mayStand ? plan.shards : []) {
    await steps.take(nameOf(object), () => applyObject(target, object));
  }
  const strays = plan.removeServicePorts;
  if (strays) await steps.take(`Service ${strays.service}`, () => removePorts(target, strays));
  for (const wish of plan.annotatePods) {
    await steps.take(`Pod ${wish.name}`, () => annotatePod(target, wish));
  }
  for (const reference of plan.remove) {
    const what = `${reference.kind} ${reference.name}`;
    await steps.take(what, () => removeObject(target, reference));
  }
  return steps;
}

function nameOf({ kind, metadata }: { kind: string; metadata: { name: string } }): string {
  return `${kind} ${metadata.name}`;
}

class Steps implements ApplyOutcome {
  readonly refusals: Refusal[] = [];
  changes = 0;

  /** @param what the object, for people. */
  async take(what: string, step: () => Promise<number>): Promise<void> {
    try {
      this.changes += await step();
    } catch (error) {
      if (!isAboutTheObject(error)) throw error;
      this.refusals.push({ what, error });
    }
  }
}

/** Answers that say nothing about the object: others would get the same. */
const generalCodes: ReadonlySet<number> = new Set([401, 429, 502, 503, 504]);

function isAboutTheObject(error: unknown): error is KindError<string> {
  if (!(error instanceof KindError)) return false;
  if (!(error instanceof KubeError)) return true;
  return error.status !== undefined && !generalCodes.has(error.status);
}
