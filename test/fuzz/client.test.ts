/** The fuzzer finds what it is there to find: servers with one fault each. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { seededRandom } from '#test/support/random.ts';
import { FuzzClient } from './client.ts';
import { drawScene, type Scene } from './scene.ts';
import { Violation } from './violation.ts';

type Answer = (line: string, socket: Socket) => void;

const politely: Answer = (line, socket) => {
  const replies: Record<string, string> = { USER: '331 Password', PASS: '230 In', QUIT: '221 Bye' };
  socket.write(`${replies[line.slice(0, 4)] ?? '200 OK'}\r\n`);
  if (line === 'QUIT') socket.end();
};

async function playAgainst(answer: Answer, scene: Scene): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setEncoding('utf8').on('error', () => undefined);
    socket.write('220 ready\r\n');
    socket.on('data', (text: string) => {
      for (const line of text.split('\r\n').slice(0, -1)) answer(line, socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new FuzzClient({
    port,
    localAddress: '127.0.0.1',
    user: 'alice',
    silenceMsMax: 300,
  });
  try {
    await client.play(scene);
    await client.leave();
  } finally {
    client.destroy();
    server.close();
  }
}

const noop: Scene = {
  name: 'one line',
  steps: [
    { kind: 'send', segments: [Buffer.from('NOOP\r\n')], lines: 1, owed: 1 },
    { kind: 'settle' },
  ],
};

const onNoop = (fault: (socket: Socket) => void): Answer => {
  return (line, socket) => (line === 'NOOP' ? fault(socket) : politely(line, socket));
};

describe('a fuzzed client', () => {
  test('is content with a server that answers', () => playAgainst(politely, noop));

  const faults: Readonly<Record<string, readonly [Answer, RegExp]>> = {
    'that says nothing': [onNoop(() => undefined), /4 replies are owed, 3 came/],
    'that answers twice': [
      onNoop((socket) => socket.write('200 OK\r\n200 OK\r\n')),
      /a reply nobody asked for/,
    ],
    'that closes without a word': [onNoop((socket) => socket.end()), /without a word/],
    'that resets': [onNoop((socket) => socket.resetAndDestroy()), /without a word/],
    'that writes no FTP': [onNoop((socket) => socket.write('hello\r\n')), /begins no reply/],
    'that never closes after QUIT': [
      (line, socket) => (line === 'QUIT' ? undefined : politely(line, socket)),
      /replies are owed/,
    ],
  };
  for (const [name, [answer, message]] of Object.entries(faults)) {
    test(`finds a server ${name}`, async () => {
      await assert.rejects(playAgainst(answer, noop), (error) => {
        assert.ok(error instanceof Violation);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

test('a seed draws the same scenes again', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed);
    return JSON.stringify(Array.from({ length: 200 }, () => drawScene(random)));
  };
  assert.equal(draw(7), draw(7));
  assert.notEqual(draw(7), draw(8));
});
