import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandQueue } from '#gateway/ftp/command-queue.ts';

const limits = { lineBytesMax: 100, waitingCommandsMax: 3, waitingBytesMax: 30 };

function queueOf(text: string): CommandQueue {
  const queue = new CommandQueue(limits);
  queue.push(Buffer.from(text));
  while (queue.admit(() => false));
  return queue;
}

function drain(queue: CommandQueue): string[] {
  const lines: string[] = [];
  for (let line = queue.shift(); line; line = queue.shift()) {
    lines.push(line.kind === 'line' ? Buffer.from(line.bytes).toString() : '<too long>');
    while (queue.admit(() => false));
  }
  return lines;
}

test('it is full at its number of commands and not before', () => {
  assert.equal(queueOf('a\nb\n').isFull, false);
  assert.equal(queueOf('a\nb\nc\n').isFull, true);
  const more = queueOf('a\nb\nc\nd\n');
  assert.equal(more.isFull, true);
  assert.deepEqual(drain(more), ['a', 'b', 'c', 'd'], 'what did not fit comes later');
});

test('it is full at its number of bytes and not before', () => {
  assert.equal(queueOf(`${'x'.repeat(29)}\n`).isFull, false);
  assert.equal(queueOf(`${'x'.repeat(30)}\n`).isFull, true);
  assert.equal(queueOf(`${'x'.repeat(31)}\n`).isFull, true);
  assert.deepEqual(drain(queueOf(`${'x'.repeat(31)}\ny\n`)), ['x'.repeat(31), 'y']);
});

test('a line taken at once never waits, and is told how many wait before it', () => {
  const queue = new CommandQueue(limits);
  const offers: [string, number][] = [];
  queue.push(Buffer.from('CWD a\nABOR\nPWD\n'));
  const take = (line: { kind: string; bytes?: Uint8Array }, before: number) => {
    const text = Buffer.from(line.bytes ?? []).toString();
    offers.push([text, before]);
    return text === 'ABOR';
  };
  while (queue.admit(take));
  assert.deepEqual(offers, [
    ['CWD a', 0],
    ['ABOR', 1],
    ['PWD', 1],
  ]);
  queue.reconsider((_, before) => before === 0);
  assert.deepEqual(drain(queue), [], 'each moved up to the front and was taken');
});

test('half a line is not a reason to go on, and is dropped with the rest', () => {
  const queue = queueOf('a\nPW');
  assert.deepEqual([queue.hasWaiting, queue.isEmpty], [true, false]);
  queue.shift();
  assert.deepEqual([queue.hasWaiting, queue.isEmpty], [false, true]);
  assert.equal(queue.clear(), 0);
  queue.push(Buffer.from('D\n'));
  queue.admit(() => false);
  assert.deepEqual(drain(queue), ['D']);
});

test('dropping counts the lines, and bytes not framed yet as one', () => {
  assert.equal(queueOf('a\nb\n').clear(), 2);
  assert.equal(queueOf('a\nb\nc\nd\ne\n').clear(), 4);
});
