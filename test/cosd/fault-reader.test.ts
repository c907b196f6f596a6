/** Fault scripts as users write them, and every mistake in one named with its place. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseFaultScript } from '#gateway/cosd/fault-reader.ts';
import type { FaultScript } from '#gateway/cosd/fault-script.ts';

test('a script with one rule of each kind is taken as it is', () => {
  const script: FaultScript = [
    { operation: 'PutObject', key: 'in/*', nth: 2, times: 3, act: { do: 'delay', delayMs: 10 } },
    { times: 'always', act: { do: 'error', status: 503, code: 'SlowDown', when: 'after-body' } },
    { act: { do: 'reset', at: 'upload', afterBytes: 100 } },
    { act: { do: 'hang', at: 'reply', limitMs: 1000 } },
    { act: { do: 'cut', afterBytes: 0 } },
    { act: { do: 'flip-in', atByte: 5 } },
    { act: { do: 'flip-out' } },
    { act: { do: 'wrong-crc' } },
    { act: { do: 'omit-crc' } },
    { act: { do: 'wrong-etag' } },
    { act: { do: 'error-in-200', code: 'InternalError', work: 'done' } },
    { act: { do: 'drip', dripMs: 3000 } },
    { act: { do: 'answer', status: 502, body: 'x', contentType: 'text/plain' } },
  ];
  assert.deepEqual(parseFaultScript(JSON.stringify(script)), script);
});

test('a single rule needs no list', () => {
  assert.equal(parseFaultScript('{"act": {"do": "wrong-crc"}}').length, 1);
});

test('all mistakes are told at once', () => {
  const script: readonly unknown[] = [
    'text',
    { act: { do: 'explode' } },
    { operation: 'putObject', nth: 0, times: 0, acts: 1, act: { do: 'delay' } },
    { act: { do: 'reset', at: 'somewhere', afterBytes: -1, constructor: 1 } },
    {},
    { act: { do: 'error', status: 99, code: 5 } },
  ];
  assert.throws(
    () => parseFaultScript(JSON.stringify(script)),
    (error: Error & { kind?: string }) => {
      assert.equal(error.kind, 'invalid');
      const places = error.message.split('\n').map((line) => line.replace(/ must be .*/, ''));
      assert.deepEqual(places, [
        'rule 1:',
        'rule 2: act.do',
        'rule 3: unknown word acts',
        'rule 3: operation',
        'rule 3: nth',
        'rule 3: times',
        'rule 3: act: delayMs',
        'rule 4: act: unknown word constructor',
        'rule 4: act: at',
        'rule 4: act: afterBytes',
        'rule 5: act',
        'rule 6: act: status',
        'rule 6: act: code',
      ]);
      return true;
    },
  );
});

test('what is no JSON is said to be none', () => {
  assert.throws(() => parseFaultScript('act: delay'), { kind: 'not-json' });
});
