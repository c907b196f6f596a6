import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import v8 from 'node:v8';
import vm from 'node:vm';
import type { Command } from '#gateway/ftp/command.ts';
import type { ControlChannel } from '#gateway/ftp/control.ts';
import type { ControlEnd } from '#gateway/ftp/control-options.ts';
import { findCodec } from '#gateway/ftp/filename-encoding.ts';
import { until } from '#test/support/condition.ts';
import { fakeClock } from '#test/support/fake-clock.ts';
import { type ChannelSetup, controlServer } from '#test/support/ftp-control.ts';

/** Answers `200 <raw>` to everything, after `prepare` for each command. */
function echo(prepare?: (command: Command) => Promise<void> | void): ChannelSetup {
  return (channel) => ({
    onCommand: async (command) => {
      await prepare?.(command);
      void channel().reply(200, command.raw);
    },
  });
}

/** A promise and the function that ends it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const dialogue = Buffer.concat([
  Buffer.from('USER anna\r\nCWD /ä/𝄞\nNOOP\r\n\r\n'),
  Buffer.from(`${'x'.repeat(9000)}\r\n`),
  Buffer.from([0x44, 0x45, 0x4c, 0x45, 0x20, 0xc3, 0x28, 0x0d, 0x0a]),
  Buffer.from('DELE a\tb\r\n'),
  Buffer.from([0xff, 0xf4, 0xff, 0xf2]),
  Buffer.from('ABOR\r\nQUIT\r\n'),
]);

const answers = [
  '200 USER anna',
  '200 CWD /ä/𝄞',
  '200 NOOP',
  '200 ',
  '500 Command line longer than 8192 bytes',
  '501 The line is not valid utf-8',
  '501 Control characters are not allowed',
  '200 ABOR',
  '200 QUIT',
];

test('one segment gives one reply per line, in order', async () => {
  await using server = await controlServer(echo());
  await using client = await server.connect();
  client.send(dialogue);
  assert.deepEqual(await client.lines(answers.length), answers);
});

test('a byte at a time gives the same replies', async () => {
  await using server = await controlServer(echo());
  await using client = await server.connect();
  client.socket.setNoDelay(true);
  for (const byte of dialogue) {
    client.send(Uint8Array.of(byte));
    await turn();
  }
  assert.deepEqual(await client.lines(answers.length), answers);
});

test('a slow command holds back the ones behind it', async () => {
  const slow = gate();
  await using server = await controlServer(
    echo((command) => (command.verb === 'CWD' ? slow.opened : undefined)),
  );
  await using client = await server.connect();
  client.send('PWD\r\nCWD a\r\nPWD\r\n');
  await client.lines(1);
  client.send('LIST\r\n');
  await turn();
  assert.equal(client.text, '200 PWD\r\n');
  slow.open();
  assert.deepEqual(await client.lines(4), ['200 PWD', '200 CWD a', '200 PWD', '200 LIST']);
});

test('ten thousand pipelined commands are answered in order, few of them held at a time', async () => {
  const count = 10_000;
  const slow = gate();
  let arrived = 0;
  await using server = await controlServer(
    echo(async () => {
      arrived += 1;
      if (arrived === 1) await slow.opened;
    }),
  );
  await using client = await server.connect();
  client.send(Array.from({ length: count }, (_, index) => `NOOP ${index}\r\n`).join(''));
  await until('reading to rest', () => server.channels[0]?.socket.isPaused() ?? false);
  assert.equal(server.channels[0]?.isAlive, false, 'what cannot be heard is not believed');
  slow.open();
  const lines = await client.lines(count);
  assert.deepEqual(
    lines,
    Array.from({ length: count }, (_, index) => `200 NOOP ${index}`),
  );
  assert.equal(server.channels[0]?.isAlive, true);
});

/** Memory of the process that is still referenced. */
function heldBytes(): number {
  v8.setFlagsFromString('--expose-gc');
  const collectGarbage = vm.runInNewContext('gc') as () => void;
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('a line of almost a mebibyte is one refusal and no memory; the session goes on', async () => {
  await using server = await controlServer(echo());
  await using client = await server.connect();
  const before = heldBytes();
  client.send(Buffer.alloc(2 ** 20, 'x'));
  client.send('\r\nNOOP\r\n');
  assert.deepEqual(await client.lines(2), ['500 Command line longer than 8192 bytes', '200 NOOP']);
  const grownBytes = heldBytes() - before;
  assert.ok(grownBytes < 8 * 2 ** 20, `grew by ${grownBytes} bytes`);
});

test('sixty-four mebibytes without a line end close the connection early', async () => {
  await using server = await controlServer(echo());
  await using client = await server.connect();
  const chunk = Buffer.alloc(256 * 1024, 'x');
  for (let count = 0; count < 256 && !client.isClosed; count++) {
    await new Promise((resolve) => {
      client.socket.write(chunk, resolve);
    });
  }
  await until('the end', () => client.isClosed);
  assert.equal(await server.channels[0]?.closed, 'error');
});

test('ABOR is heard while a command runs, also behind other commands', async () => {
  const transfer = gate();
  const heard: string[] = [];
  await using server = await controlServer((channel) => ({
    onCommand: async ({ verb }) => {
      if (verb === 'STOR') await transfer.opened;
      void channel().reply(200, verb);
    },
    onUrgent: ({ verb }) => {
      heard.push(verb);
      if (verb === 'ABOR') transfer.open();
      return verb === 'ABOR';
    },
  }));
  await using client = await server.connect();
  client.send('STOR a\r\nPWD\r\nNOOP\r\n');
  await turn();
  client.send(Buffer.from([0xff, 0xf4, 0xff, 0xf2]));
  client.send('ABOR\r\n');
  assert.deepEqual(await client.lines(3), ['200 STOR', '200 PWD', '200 NOOP']);
  assert.deepEqual(heard, ['ABOR'], 'NOOP had to wait for PWD');
});

test('NOOP and STAT are answered during a transfer, and QUIT is remembered', async () => {
  const transfer = gate();
  await using server = await controlServer((channel) => ({
    onCommand: async ({ verb }) => {
      if (verb === 'RETR') {
        void channel().reply(150, verb);
        await transfer.opened;
      }
      await channel().reply(226, verb);
      if (verb === 'QUIT') channel().end();
    },
    onUrgent: ({ verb }) => {
      if (verb === 'QUIT') return false;
      void channel().reply(200, verb);
      return true;
    },
  }));
  await using client = await server.connect();
  client.send('RETR a\r\n');
  client.send('NOOP\r\nSTAT\r\nQUIT\r\n');
  assert.deepEqual(await client.lines(3), ['150 RETR', '200 NOOP', '200 STAT']);
  await until('QUIT to wait', () => server.channels[0]?.isWaiting('QUIT') ?? false);
  transfer.open();
  assert.deepEqual((await client.lines(5)).slice(3), ['226 RETR', '226 QUIT']);
  await until('the end', () => client.hasFin);
});

test('an urgent verb between two commands keeps its place', async () => {
  await using server = await controlServer((channel) => ({
    onCommand: ({ raw }) => void channel().reply(200, raw),
    onUrgent: () => assert.fail('nothing runs'),
  }));
  await using client = await server.connect();
  client.send('PWD\r\nNOOP\r\nABOR\r\nSTAT\r\n');
  assert.deepEqual(await client.lines(4), ['200 PWD', '200 NOOP', '200 ABOR', '200 STAT']);
});

test('a client that half-closes gets all answers and then our end', async () => {
  const gone: ControlEnd[] = [];
  const slow = gate();
  await using server = await controlServer((channel) => ({
    onCommand: async ({ raw }) => {
      await slow.opened;
      void channel().reply(200, raw);
    },
    onGone: (end) => gone.push(end),
  }));
  await using client = await server.connect();
  client.socket.end('PWD\r\nNOOP\r\n');
  await until('FIN to be seen', () => gone.length > 0);
  assert.equal(server.channels[0]?.isAlive, false);
  slow.open();
  assert.deepEqual(await client.lines(2), ['200 PWD', '200 NOOP']);
  assert.equal(await server.channels[0]?.closed, 'fin');
  assert.deepEqual(gone, ['fin']);
});

test('a reset is told at once while a command runs, and what waits behind it never runs', async () => {
  const gone: ControlEnd[] = [];
  const ran: string[] = [];
  const slow = gate();
  await using server = await controlServer(() => ({
    onCommand: async ({ verb }) => {
      ran.push(verb);
      await slow.opened;
    },
    onGone: (end) => gone.push(end),
  }));
  await using client = await server.connect();
  client.send('STOR a\r\nDELE a\r\n');
  await until('STOR to run', () => ran.length > 0);
  client.socket.resetAndDestroy();
  await until('the reset to be told', () => gone.length > 0);
  slow.open();
  assert.equal(await server.channels[0]?.closed, 'reset');
  assert.deepEqual([gone, ran], [['reset'], ['STOR']]);
});

test('a client that never reads its replies is held, bounded and finally dropped', async () => {
  const clock = fakeClock();
  let ran = 0;
  await using server = await controlServer((channel) => ({
    clock,
    onCommand: () => {
      ran += 1;
      void channel().reply(200, 'x'.repeat(4000));
    },
  }));
  await using client = await server.connect({ paused: true });
  client.socket.pause();
  client.send('NOOP\r\n'.repeat(100_000));
  const channel = server.channels[0] as ControlChannel;
  await until('reading to rest', () => channel.socket.isPaused());
  await until('writing to rest', () => channel.socket.writableLength > 60_000);
  assert.ok(channel.socket.writableLength < 80_000, `${channel.socket.writableLength} unsent`);
  const ranSoFar = ran;
  await clock.advance(59_999);
  assert.equal(channel.socket.destroyed, false);
  assert.equal(ran, ranSoFar);
  await clock.advance(1);
  assert.equal(await channel.closed, 'not-reading');
});

test('a handler that waits for a reply nobody reads is freed by the same deadline', async () => {
  const clock = fakeClock();
  let stuck = 0;
  await using server = await controlServer((channel) => ({
    clock,
    limits: { unsentBytesMax: 2 ** 30 },
    onCommand: async () => {
      stuck += 1;
      await channel().reply(200, ...Array.from({ length: 1000 }, () => 'x'.repeat(4000)));
      stuck -= 1;
    },
  }));
  await using client = await server.connect({ paused: true });
  client.socket.pause();
  client.send('NOOP\r\n'.repeat(10));
  const channel = server.channels[0] as ControlChannel;
  await until('the kernel to be full', () => channel.socket.writableLength > 0 && stuck === 1);
  await clock.advance(60_000);
  assert.equal(await channel.closed, 'not-reading');
  await until('the handler to return', () => stuck === 0);
});

test('a client that reads slowly is served to the end', async () => {
  await using server = await controlServer((channel) => ({
    onCommand: ({ argument }) => void channel().reply(200, argument + 'x'.repeat(4000)),
  }));
  await using client = await server.connect();
  client.socket.pause();
  const count = 2000;
  client.send(Array.from({ length: count }, (_, index) => `NOOP ${index}\r\n`).join(''));
  await until('reading to rest', () => server.channels[0]?.socket.isPaused() ?? false);
  client.socket.resume();
  const lines = await client.lines(count);
  assert.equal(lines.length, count);
  assert.ok(lines.at(-1)?.startsWith(`200 ${count - 1}x`));
});

test('the last reply arrives although the client goes on sending', async () => {
  await using server = await controlServer((channel) => ({
    onCommand: async () => {
      await channel().reply(221, 'Goodbye');
      channel().end();
    },
  }));
  await using client = await server.connect();
  client.send(`QUIT\r\n${'PWD\r\n'.repeat(1000)}`);
  await client.lines(1);
  client.send('PWD\r\n'.repeat(1000));
  await until('our end', () => client.hasFin);
  client.socket.end();
  assert.equal(await server.channels[0]?.closed, 'local');
  assert.equal(client.text, '221 Goodbye\r\n');
});

test('a client that does not close after our end is dropped after the linger time', async () => {
  const clock = fakeClock();
  await using server = await controlServer((channel) => ({
    clock,
    onCommand: () => channel().end(),
  }));
  await using client = await server.connect();
  client.send('QUIT\r\n');
  await until('our end', () => client.hasFin);
  const channel = server.channels[0] as ControlChannel;
  await clock.advance(4999);
  assert.equal(channel.socket.destroyed, false);
  await clock.advance(1);
  assert.equal(await channel.closed, 'local');
  assert.equal(clock.pendingTimers, 0);
});

test('a handler that throws ends the session with 421 and is reported', async () => {
  const faults: unknown[] = [];
  const bug = new Error('bug');
  await using server = await controlServer(() => ({
    onCommand: async () => {
      throw bug;
    },
    onFault: (error) => faults.push(error),
  }));
  await using client = await server.connect();
  client.send('PWD\r\nPWD\r\n');
  assert.deepEqual(await client.lines(1), ['421 Internal error, closing control connection']);
  client.socket.end();
  assert.equal(await server.channels[0]?.closed, 'fault');
  assert.deepEqual(faults, [bug]);
});

test('the encoding of names can change between two pipelined commands', async () => {
  const gb18030 = findCodec('gb18030');
  assert.ok(gb18030);
  const seen: string[] = [];
  await using server = await controlServer((channel) => ({
    onCommand: ({ verb, argument }) => {
      if (verb === 'PASS') channel().codec = gb18030;
      seen.push(argument);
      void channel().reply(200, 'OK');
    },
  }));
  await using client = await server.connect();
  client.send(Buffer.concat([Buffer.from('PASS ä\r\nDELE '), gb18030.encode('文\r\n')]));
  await client.lines(2);
  assert.deepEqual(seen, ['ä', '文']);
});

/** TLS without certificates: both sides know the key. */
const preSharedKey = {
  ciphers: 'PSK-AES128-GCM-SHA256',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;
const secret = { psk: Buffer.alloc(16, 7), identity: 'test' };

test('after a switch to TLS nothing sent in clear is run, and the session goes on', async () => {
  const ran: string[] = [];
  const dropped: number[] = [];
  await using server = await controlServer((channel) => ({
    onCommand: async ({ raw, verb }) => {
      ran.push(raw);
      if (verb !== 'AUTH') return void channel().reply(200, raw);
      const wrap = (socket: import('node:net').Socket) =>
        new tls.TLSSocket(socket, {
          isServer: true,
          ...preSharedKey,
          pskCallback: () => secret.psk,
        } as tls.TLSSocketOptions);
      dropped.push(await channel().swapSocket('234 Go ahead\r\n', wrap));
    },
  }));
  await using client = await server.connect();
  client.send('AUTH TLS\r\nUSER evil\r\nPASS evil\r\n');
  assert.deepEqual(await client.lines(1), ['234 Go ahead']);
  client.socket.removeAllListeners('data');
  const secured = tls.connect({
    socket: client.socket,
    ...preSharedKey,
    pskCallback: () => secret,
    checkServerIdentity: () => undefined,
  });
  let text = '';
  secured.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  secured.write('PWD\r\nNOOP\r\n');
  await until('both answers', () => text === '200 PWD\r\n200 NOOP\r\n');
  assert.deepEqual([ran, dropped], [['AUTH TLS', 'PWD', 'NOOP'], [2]]);
  secured.destroy();
});
