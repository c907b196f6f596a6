/** What keeps a resource from being served, also one that an older definition let in. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkGateway, warningsAbout } from '#operator/plan/checks.ts';
import {
  specExamples,
  storedGateway,
  storedSpec,
  writtenSpec,
} from '#test/support/operator-gateways.ts';
import { objectsOf, planFor, settings } from '#test/support/operator-observed.ts';

function problemsOf(spec: unknown): string {
  const checked = checkGateway({ ...storedGateway(), spec }, settings);
  return checked.isGood ? '' : checked.problems.join('\n');
}

describe('a resource', () => {
  for (const { title, changes, refusal } of specExamples) {
    test(`${refusal ? 'is refused' : 'is served'}: ${title}`, () => {
      const problems = problemsOf({ ...writtenSpec, ...changes });
      if (refusal) assert.match(problems, refusal);
      else assert.equal(problems, '');
    });
  }

  test('is refused with the place of a word that cannot be', () => {
    assert.match(problemsOf({ ...writtenSpec, replicas: 'many' }), /^spec\.replicas: /);
    assert.match(problemsOf(undefined), /^spec: /);
  });

  test('is refused when its image comes from elsewhere', () => {
    const image = 'registry.example.com/cos-ftp-gateway:2';
    assert.equal(problemsOf({ ...writtenSpec, image }), '');
    for (const other of ['evil.example.com/x:1', `${image.slice(0, -2)}-evil:2`]) {
      assert.match(problemsOf({ ...writtenSpec, image: other }), /is not one this operator allows/);
    }
  });

  test('is refused when the balancer of its profile has too few listeners', () => {
    const spec = (replicas: number) => {
      return { ...writtenSpec, replicas, exposure: { profile: 'tke' } };
    };
    assert.equal(problemsOf(spec(2)), '');
    assert.match(problemsOf(spec(3)), /needs 65 ports .* tke has 50/);
  });

  test("is refused in the gateway's own words where only the gateway knows", () => {
    const accounts = [{ user: 'alice', prefix: '../up/' }];
    const plan = planFor({ gateway: storedGateway({ accounts }) });
    const { status, remove } = plan;
    const [accepted] = status.conditions ?? [];
    assert.equal(accepted?.status, 'False');
    assert.match(accepted?.message ?? '', /prefix: "\.\.\/up\/" holds/);
    assert.deepEqual([objectsOf(plan), remove], [[], []]);
  });

  test('is served with a warning when Local meets several shards', () => {
    const exposure = { externalTrafficPolicy: 'Local' };
    assert.deepEqual(warningsAbout(storedSpec({ exposure })), []);
    assert.equal(warningsAbout(storedSpec({ exposure, replicas: 2 })).length, 1);
  });

  test('tells its warnings in Accepted and as an event', () => {
    const exposure = { externalTrafficPolicy: 'Local' };
    const { status, events } = planFor({ gateway: storedGateway({ exposure, replicas: 2 }) });
    const [accepted] = status.conditions ?? [];
    assert.deepEqual([accepted?.status, accepted?.reason], ['True', 'AcceptedWithWarning']);
    assert.match(accepted?.message ?? '', /Local loses data connections/);
    const told = events.filter(({ type }) => type === 'Warning');
    assert.deepEqual(
      told.map(({ reason }) => reason),
      ['AcceptedWithWarning'],
    );
  });
});
