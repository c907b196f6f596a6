import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostNameRefreshMs } from '#operator/plan/address.ts';
import { HostNames } from '#operator/reconcile/host-names.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { recordingLog } from '#test/support/recording-log.ts';

function prepare(answers: (readonly string[] | Error)[]) {
  const clock = fakeClock();
  const log = recordingLog();
  const asked: string[] = [];
  const lookUp = async (name: string) => {
    asked.push(name);
    const answer = answers.shift() ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { clock, log, asked, names: new HostNames({ lookUp, clock, log }) };
}

describe('host names of load balancers', () => {
  test('are asked for once within the time an answer is good, and again after it', async () => {
    const { clock, asked, names } = prepare([['203.0.113.7'], ['203.0.113.8']]);
    assert.deepEqual(await names.resolve('lb.example.test'), ['203.0.113.7']);
    assert.deepEqual(await names.resolve('lb.example.test'), ['203.0.113.7']);
    await clock.advance(hostNameRefreshMs);
    assert.deepEqual(await names.resolve('lb.example.test'), ['203.0.113.8']);
    assert.equal(asked.length, 2);
  });

  test('keep the last good answer when DNS fails or answers nothing', async () => {
    const { clock, log, names } = prepare([['203.0.113.7'], new Error('ESERVFAIL'), []]);
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(await names.resolve('lb.example.test'), ['203.0.113.7']);
      await clock.advance(hostNameRefreshMs);
    }
    assert.deepEqual(log.messages('warn'), ['load balancer host name not resolved']);
  });

  test('that never had an answer give none, without failing', async () => {
    const { names } = prepare([new Error('ENOTFOUND')]);
    assert.deepEqual(await names.resolve('lb.example.test'), []);
  });

  test('give addresses in order of number, not of text', async () => {
    const { names } = prepare([['10.0.0.10', '10.0.0.9', '9.0.0.1']]);
    assert.deepEqual(await names.resolve('x'), ['9.0.0.1', '10.0.0.9', '10.0.0.10']);
  });
});
