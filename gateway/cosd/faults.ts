/**
 * Carries a fault script out: counts the requests each rule matches and says what is to happen to the one
 * at hand. It only decides; the places that can fail (server, intake, reply) act.
 */
import type { FaultAct, FaultRule, FaultScript } from './fault-script.ts';
import type { Operation } from './operation.ts';

/** At most one act of each kind; when two rules name the same kind, the earlier rule's. */
export type FaultActs = {
  readonly [Kind in FaultAct['do']]?: Extract<FaultAct, { do: Kind }>;
};

export const noFaults: FaultActs = {};

export interface FaultReport {
  readonly rule: FaultRule;
  /** Requests that fitted operation and key. */
  readonly matched: number;
  /** Those of them that something was done to. */
  readonly applied: number;
}

interface RunningRule {
  readonly rule: FaultRule;
  matched: number;
  applied: number;
}

export class Faults {
  #rules: RunningRule[] = [];

  constructor(script: FaultScript = []) {
    this.set(script);
  }

  /** Replaces everything; counting begins anew. */
  set(script: FaultScript): void {
    this.#rules = script.map((rule) => ({ rule, matched: 0, applied: 0 }));
  }

  add(...rules: FaultScript): void {
    for (const rule of rules) this.#rules.push({ rule, matched: 0, applied: 0 });
  }

  clear(): void {
    this.set([]);
  }

  /** In the order of the script. */
  report(): readonly FaultReport[] {
    return this.#rules.map(({ rule, matched, applied }) => ({ rule, matched, applied }));
  }

  /** To be called once for each request: it counts. */
  decide(operation: Operation, key: string): FaultActs {
    if (this.#rules.length === 0) return noFaults;
    let acts: Partial<Record<FaultAct['do'], FaultAct>> | undefined;
    for (const running of this.#rules) {
      if (!matches(running.rule, operation, key)) continue;
      running.matched++;
      if (!isDue(running)) continue;
      running.applied++;
      acts ??= {};
      acts[running.rule.act.do] ??= running.rule.act;
    }
    return (acts as FaultActs | undefined) ?? noFaults;
  }
}

function isDue({ rule, matched }: RunningRule): boolean {
  const first = rule.nth ?? 1;
  const times = rule.times ?? 1;
  return matched >= first && (times === 'always' || matched < first + times);
}

function matches(rule: FaultRule, operation: Operation, key: string): boolean {
  if (rule.operation !== undefined && rule.operation !== operation) return false;
  return rule.key === undefined || matchesPattern(rule.key, key);
}

/** Every piece between stars at its first place from the left: linear, and enough for stars alone. */
export function matchesPattern(pattern: string, text: string): boolean {
  const pieces = pattern.split('*');
  const [head = '', ...rest] = pieces;
  const tail = rest.pop();
  if (tail === undefined) return text === pattern;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - at >= tail.length && text.endsWith(tail);
}
