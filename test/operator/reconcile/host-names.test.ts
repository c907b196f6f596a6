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

/** DNS that is silent until `answer`, for the first look-up; later ones stay without. */
function silent() {
  const clock = fakeClock();
  const log = recordingLog();
  const asked: string[] = [];
  const answers = [Promise.withResolvers<readonly string[]>()];
  const lookUp = (name: string) => {
    asked.push(name);
    const answer = answers[asked.length - 1] ?? Promise.withResolvers<readonly string[]>();
    return answer.promise;
  };
  const answer = (addresses: readonly string[]) => answers[0]?.resolve(addresses);
  return { clock, log, asked, answer, names: new HostNames({ lookUp, clock, log }) };
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

  test('that do not answer are waited for 5 s, and a late answer is good from when it came', async () => {
    const { clock, log, asked, names, answer } = silent();
    let addresses: readonly string[] | undefined;
    void names.resolve('x').then((found) => (addresses = found));
    await clock.advance(4_999);
    assert.equal(addresses, undefined);
    await clock.advance(1);
    assert.deepEqual(addresses, []);
    assert.deepEqual(log.messages('warn'), ['load balancer host name not resolved']);

    await clock.advance(hostNameRefreshMs - 1_000);
    const second = names.resolve('x');
    await clock.advance(1);
    assert.equal(asked.length, 1, 'the first look-up is still under way');
    answer(['203.0.113.7']);
    assert.deepEqual(await second, ['203.0.113.7']);
    await clock.advance(hostNameRefreshMs - 1_001);
    assert.deepEqual(await names.resolve('x'), ['203.0.113.7']);
    assert.equal(asked.length, 1, 'and its answer is good');
    await clock.advance(1);
    void names.resolve('x');
    assert.equal(asked.length, 2);
  });

  test('are looked up once for all who ask at the same time', async () => {
    const { asked, names, answer } = silent();
    const both = Promise.all([names.resolve('x'), names.resolve('x')]);
    answer(['203.0.113.7']);
    assert.deepEqual(await both, [['203.0.113.7'], ['203.0.113.7']]);
    assert.equal(asked.length, 1);
  });

  test('are waited for no longer than the reconcile that asked', async () => {
    const { names } = silent();
    const stop = new AbortController();
    const waiting = names.resolve('x', stop.signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
  });

  test('give addresses in order of number, not of text', async () => {
    const { names } = prepare([['10.0.0.10', '10.0.0.9', '9.0.0.1']]);
    assert.deepEqual(await names.resolve('x'), ['9.0.0.1', '10.0.0.9', '10.0.0.10']);
  });
});
