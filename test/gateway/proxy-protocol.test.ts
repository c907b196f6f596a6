/** A gateway behind balancers that announce their clients, on the FTP port and on the passive ports. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { FtpClient } from '#test/support/ftp-client.ts';
import { startTestGateway, type TestGateway } from '#test/support/gateway.ts';
import { binaryHeader, proxyBinary, proxyLine } from '#test/support/proxy-header.ts';

const MiB = 1024 * 1024;
const source = '192.0.2.1';
const balancer = '127.0.0.1';

const behindBalancer = (words: Record<string, unknown> = {}) =>
  startTestGateway({
    words: { proxy_protocol: { mode: 'required', trusted: [balancer] }, ...words },
  });

async function logInBehind(ftp: TestGateway, header: Uint8Array): Promise<FtpClient> {
  const client = await FtpClient.connectBehind(ftp.port, header);
  await client.authenticate();
  return client;
}

async function connectTo(port: number, localAddress = balancer): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  socket.on('error', () => undefined);
  await Promise.race([new Promise((resolve) => socket.once('connect', resolve)), closed(socket)]);
  return socket;
}

/** Also by a reset. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => {
    if (socket.closed) resolve(undefined);
    else socket.on('close', resolve);
  });
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  await closed(socket);
  return text;
}

const peersIn = (ftp: TestGateway) => new Set(ftp.lines.map(({ peer }) => peer));

for (const [name, header] of [
  ['version 1', proxyLine({ source })],
  ['version 2', proxyBinary({ source }, Buffer.from([4, 0, 2, 0, 0]))],
] as const) {
  test(`${name}: files of any size go both ways, and the session is its client's`, async () => {
    await using ftp = await behindBalancer();
    await using client = await logInBehind(ftp, header);
    for (const bytes of [0, 1, 70_000, 6 * MiB]) {
      const content = Buffer.alloc(bytes, 'content ');
      assert.equal((await client.store('file', content)).code, 226);
      assert.ok((await ftp.bytes('file')).equals(content));
      const read = await client.read('RETR file');
      assert.equal(read.reply.code, 226);
      assert.ok(read.bytes.equals(content));
    }
    assert.ok(peersIn(ftp).has(source));
    assert.ok(!peersIn(ftp).has(balancer));
  });
}

test('header and login in one segment, or a byte at a time, are the same session', async () => {
  await using ftp = await behindBalancer();
  const bytes = Buffer.concat([
    proxyLine({ source }),
    Buffer.from('USER alice\r\nPASS secret\r\nQUIT\r\n'),
  ]);
  const talk = async (pieceBytes: number) => {
    const socket = await connectTo(ftp.port);
    const said = readAll(socket);
    for (let offset = 0; offset < bytes.length; offset += pieceBytes) {
      socket.write(bytes.subarray(offset, offset + pieceBytes));
      await turn();
    }
    return (await said).match(/^\d{3}/gm);
  };
  const codes = ['220', '331', '230', '221'];
  assert.deepEqual([await talk(bytes.length), await talk(1)], [codes, codes]);
});

test('PASV tells the address the client reached, unless the configuration names another', async () => {
  await using plain = await behindBalancer();
  await using client = await logInBehind(plain, proxyLine({ source }));
  assert.match((await client.expect(227, 'PASV')).text, /\(198,51,100,21,/);
  await using ruled = await behindBalancer({
    masquerade_address: '203.0.113.1',
    masquerade_networks: [{ clients: '192.0.2.0/24', address: '203.0.113.7' }],
  });
  await using near = await logInBehind(ruled, proxyLine({ source }));
  assert.match((await near.expect(227, 'PASV')).text, /\(203,0,113,7,/);
  await using far = await logInBehind(ruled, proxyLine({ source: '198.51.100.9' }));
  assert.match((await far.expect(227, 'PASV')).text, /\(203,0,113,1,/);
});

test('EPSV offers the protocol the client came by', async () => {
  await using ftp = await behindBalancer();
  await using client = await logInBehind(ftp, proxyLine({ source: '2001:db8::7' }));
  await client.expect(229, 'EPSV 2');
  assert.match((await client.expect(522, 'EPSV 1')).text, /\(2\)/);
});

describe('a data connection is refused', () => {
  for (const [name, preamble] of [
    ['without a header', Buffer.from('stolen')],
    ['announced for another client', proxyLine({ source: '192.0.2.66' })],
    ['from the balancer itself', binaryHeader({})],
  ] as const) {
    test(`${name}, and its owner still gets through`, async () => {
      await using ftp = await behindBalancer();
      await using client = await logInBehind(ftp, proxyLine({ source }));
      const port = await client.passivePort();
      const stranger = await connectTo(port);
      stranger.write(preamble);
      await closed(stranger);
      const owner = await connectTo(port);
      owner.write(proxyLine({ source }));
      await client.expect(150, 'STOR file');
      owner.end('mine');
      assert.equal((await client.reply()).code, 226);
      assert.equal(String(await ftp.bytes('file')), 'mine');
    });
  }

  test('from an address that is no balancer', async () => {
    await using ftp = await behindBalancer();
    await using client = await logInBehind(ftp, proxyLine({ source }));
    const stranger = await connectTo(await client.passivePort(), '127.0.0.9');
    await closed(stranger);
    const refused = 'cosftp_data_connections_refused_total{reason="proxy_protocol"}';
    assert.equal(await ftp.metric(refused), 1);
  });
});

test('clients of one balancer share one passive port and never a connection', async () => {
  await using ftp = await startTestGateway({
    words: { proxy_protocol: { mode: 'required', trusted: [balancer] } },
    passivePorts: 1,
  });
  const clients = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      logInBehind(ftp, proxyLine({ source: `192.0.2.${index}` })),
    ),
  );
  await Promise.all(
    clients.map(async (client, index) => {
      for (let round = 0; round < 5; round++) {
        const reply = await client.store(`file-${index}`, Buffer.from(`${index} ${round}`));
        assert.equal(reply.code, 226);
      }
    }),
  );
  for (const [index, client] of clients.entries()) {
    assert.equal(String(await ftp.bytes(`file-${index}`)), `${index} 4`);
    await client[Symbol.asyncDispose]();
  }
});

test('required: who brings no header, or is no balancer, gets no session', async () => {
  await using ftp = await behindBalancer();
  const plain = await connectTo(ftp.port);
  plain.write('USER alice\r\n');
  assert.equal(await readAll(plain), '');
  const foreign = await connectTo(ftp.port, '127.0.0.9');
  foreign.write(proxyLine({ source }));
  assert.equal(await readAll(foreign), '');
  assert.equal(await ftp.metric('cosftp_sessions_refused_total{reason="proxy_protocol"}'), 2);
  assert.equal(ftp.gateway.sessionCount, 0);
});

test('optional: others are served as who they are, and their header is a command like any', async () => {
  const proxy_protocol = { mode: 'optional', trusted: ['127.0.0.2'] };
  await using ftp = await startTestGateway({ words: { proxy_protocol } });
  await using client = await FtpClient.connectBehind(ftp.port, proxyLine({ source }));
  assert.equal(client.greeting.code, 220);
  assert.equal((await client.reply()).code, 502);
  await client.authenticate();
  client.dataPreamble = undefined;
  assert.equal((await client.store('file', Buffer.from('x'))).code, 226);
  assert.ok(!peersIn(ftp).has(source));
});

test('optional: a trusted client without a balancer is served, and its empty files are stored', async () => {
  const proxy_protocol = { mode: 'optional', trusted: [balancer] };
  await using ftp = await startTestGateway({ words: { proxy_protocol } });
  await using client = await FtpClient.logIn(ftp.port);
  for (const content of ['', 'PROXY ', '\r\n']) {
    assert.equal((await client.store('file', Buffer.from(content))).code, 226);
    assert.equal(String(await ftp.bytes('file')), content);
  }
  assert.equal((await client.read('RETR file')).reply.code, 226);
});

test('optional: a header never becomes the beginning of a file, nor its lack one of another client', async () => {
  const proxy_protocol = { mode: 'optional', trusted: [balancer] };
  await using ftp = await startTestGateway({
    words: { proxy_protocol, data_peer: 'any' },
    timeouts: { dataConnectMs: 300 },
  });
  await using announced = await logInBehind(ftp, proxyLine({ source }));
  announced.dataPreamble = undefined;
  assert.equal((await announced.store('file', Buffer.from('x'))).code, 425);
  await using plain = await FtpClient.logIn(ftp.port);
  plain.dataPreamble = proxyLine({ source });
  assert.equal((await plain.store('file', Buffer.from('x'))).code, 425);
});
