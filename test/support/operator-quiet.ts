/**
 * That an operator leaves a settled gateway alone: no object gets a new version, and by its own metrics it
 * sends nothing that could change one. Its lease is renewed by PUT, which therefore is not counted.
 */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { LiveGateway } from './live-gateway.ts';
import type { OperatorProcess } from './operator.ts';

export interface Quiet {
  readonly gateway: LiveGateway;
  /** Looks at the gateway often: otherwise quiet means nothing. */
  readonly operator: OperatorProcess;
  readonly durationMs: number;
}

export async function assertQuiet({ gateway, operator, durationMs }: Quiet): Promise<void> {
  const before = { versions: await gateway.versions(), ...(await activityOf(operator)) };
  await pause(durationMs);
  const after = { versions: await gateway.versions(), ...(await activityOf(operator)) };
  assert.deepEqual(after.versions, before.versions);
  assert.deepEqual(after.writes, before.writes);
  const looksMin = durationMs / 2_000;
  assert.ok(after.looks - before.looks >= looksMin, `${after.looks - before.looks} looks`);
}

/** How often it looked at a gateway so far. */
export async function looksOf(operator: OperatorProcess): Promise<number> {
  return (await activityOf(operator)).looks;
}

async function activityOf(operator: OperatorProcess) {
  const metrics = Object.entries(await operator.metrics());
  const countOf = (pattern: RegExp) => metrics.filter(([name]) => pattern.test(name));
  const looks = countOf(/^cosftp_operator_reconciles_total/);
  return {
    writes: countOf(/^cosftp_operator_api_requests_total\{method="(POST|PATCH|DELETE)"/),
    looks: looks.reduce((sum, [, value]) => sum + value, 0),
  };
}
