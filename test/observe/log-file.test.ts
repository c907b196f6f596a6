import assert from 'node:assert/strict';
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogFile, reopenDelayMs, waitingLengthMax } from '#gateway/observe/log-file.ts';
import type { LogRotation } from '#gateway/observe/log-rotation.ts';
import { until } from '#test/support/condition.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

interface Opened {
  readonly file: LogFile;
  readonly clock: FakeClock;
  readonly outages: unknown[];
  readonly recoveries: number[];
}

function open(directory: string, rotate: LogRotation = 'never', keep = 14): Opened {
  const clock = fakeClock();
  const outages: unknown[] = [];
  const recoveries: number[] = [];
  const file = new LogFile({
    directory,
    rotate,
    keep,
    clock,
    onOutage: (error) => outages.push(error),
    onRecovery: (lostLines) => recoveries.push(lostLines),
  });
  file.open();
  return { file, clock, outages, recoveries };
}

const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3600 * 1000);

test('lines are appended to what an earlier run left', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'cos_v5.log');
  await writeFile(path, 'earlier\n');
  const { file } = open(directory.path);
  file.write('one\n');
  file.write('two\n');
  await file.close();
  assert.equal(await readFile(path, 'utf8'), 'earlier\none\ntwo\n');
});

test('a directory that is missing is made', async () => {
  await using directory = await temporaryDirectory();
  const { file } = open(join(directory.path, 'a/b'));
  file.write('one\n');
  await file.close();
  assert.equal(await readFile(join(directory.path, 'a/b/cos_v5.log'), 'utf8'), 'one\n');
});

test('a line that a killed process left unfinished does not swallow the next one', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'cos_v5.log');
  await writeFile(path, '{"half');
  const { file } = open(directory.path);
  file.write('whole\n');
  await file.close();
  assert.equal(await readFile(path, 'utf8'), '{"half\nwhole\n');
});

test('everything waiting is written by a synchronous flush', async () => {
  await using directory = await temporaryDirectory();
  const { file } = open(directory.path);
  file.write('one\n');
  file.write('two\n');
  file.flushSync();
  assert.equal(await readFile(file.path, 'utf8'), 'one\ntwo\n');
  await file.close();
  assert.equal(await readFile(file.path, 'utf8'), 'one\ntwo\n');
});

test('a directory that cannot be written is one outage; its end is told and nothing is lost', async () => {
  await using directory = await temporaryDirectory();
  const blocked = join(directory.path, 'log');
  await writeFile(blocked, 'a file where the directory should be');
  const { file, clock, outages, recoveries } = open(blocked);
  file.write('one\n');
  await clock.advance(reopenDelayMs - 1);
  file.write('two\n');
  await clock.advance(0);
  assert.equal(outages.length, 1);

  await rm(blocked);
  await clock.advance(1);
  file.write('three\n');
  await until('the file works again', () => recoveries.length > 0);
  await file.close();
  const lines = (await readFile(file.path, 'utf8')).split('\n').filter((line) => line !== '');
  assert.deepEqual(lines, ['one', 'two', 'three']);
  assert.deepEqual([outages.length, recoveries], [1, [0]]);
});

test('the queue of an outage is bounded and what it loses is counted', async () => {
  await using directory = await temporaryDirectory();
  const blocked = join(directory.path, 'log');
  await writeFile(blocked, '');
  const { file, outages } = open(blocked);
  const line = `${'x'.repeat(1023)}\n`;
  for (let index = 0; index < waitingLengthMax / 1024; index++) file.write(line);
  assert.equal(file.lostLines, 0);
  file.write('y\n');
  assert.deepEqual([file.lostLines, outages.length], [1, 1]);
  await file.close();
});

test('a file of yesterday is rotated at the start and only `keep` old ones remain', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'cos_v5.log');
  for (const days of [4, 3, 2, 1]) {
    await writeFile(path, `${days} days ago\n`);
    await utimes(path, daysAgo(days), daysAgo(days));
    const { file } = open(directory.path, 'daily', 2);
    file.write('today\n');
    await file.close();
  }
  const rotated = (await readdir(directory.path)).filter((name) => name.startsWith('cos_v5.log.'));
  assert.equal(rotated.length, 2, rotated.join());
  assert.equal(await readFile(path, 'utf8'), 'today\n');
});

test('keep 0 keeps every rotated file', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'cos_v5.log');
  for (const days of [3, 2, 1]) {
    await writeFile(path, `${days} days ago\n`);
    await utimes(path, daysAgo(days), daysAgo(days));
    const { file } = open(directory.path, 'daily', 0);
    file.write('today\n');
    await file.close();
  }
  const rotated = (await readdir(directory.path)).filter((name) => name.startsWith('cos_v5.log.'));
  assert.equal(rotated.length, 3, rotated.join());
});

test('rotation while running loses no line', async () => {
  await using directory = await temporaryDirectory();
  const { file } = open(directory.path, 'every_second');
  const rotatedNames = async () =>
    (await readdir(directory.path)).filter((name) => name.startsWith('cos_v5.log.'));
  let written = 0;
  await until('a rotation', async () => {
    file.write(`${written++}\n`);
    return (await rotatedNames()).length > 0;
  });
  file.write(`${written++}\n`);
  await file.close();
  const names = [...(await rotatedNames()).sort(), 'cos_v5.log'];
  const texts = await Promise.all(
    names.map((name) => readFile(join(directory.path, name), 'utf8')),
  );
  const lines = texts.join('').trim().split('\n').map(Number);
  assert.deepEqual(
    lines,
    Array.from({ length: written }, (_, index) => index),
  );
});

test('closing twice and writing after it is harmless', async () => {
  await using directory = await temporaryDirectory();
  const { file } = open(directory.path);
  await Promise.all([file.close(), file.close()]);
  file.write('late\n');
  assert.equal(await readFile(file.path, 'utf8'), '');
});
