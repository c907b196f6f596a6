/** How downloads and listings end that do not complete: what the client reads, and what the log keeps. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { type LogLine, startTestGateway, type TestGateway } from '#test/support/gateway.ts';

const transferLines = (ftp: TestGateway): readonly LogLine[] =>
  ftp.lines.filter(({ msg }) => /^(download|listing) /.test(msg));

test('a download that is broken off is told in bytes sent, and not as something stored', async () => {
  await using ftp = await startTestGateway();
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', Buffer.alloc(64 * 1024 * 1024, 'x'));
  await using client = await FtpClient.logIn(ftp.port);
  const data = await client.openData();
  data.pause();
  await client.expect(150, 'RETR file');
  await until('bytes to be sent', () => (ftp.gateway.transfers[0]?.bytes ?? 0) > 0);
  const { code, text } = await client.command('ABOR');
  assert.equal(code, 426);
  assert.match(text, /^426 Transfer aborted: [1-9]\d* bytes were sent$/);
  assert.equal((await client.reply()).code, 226);
  data.destroy();
});

describe('what is not there is one line without a stack, as no fault of anybody here:', () => {
  for (const [command, direction] of [
    ['RETR none', 'download'],
    ['LIST none', 'listing'],
    ['MLSD none', 'listing'],
  ] as const) {
    test(command, async () => {
      await using ftp = await startTestGateway();
      await using client = await FtpClient.logIn(ftp.port);
      assert.equal((await client.read(command)).reply.code, 550);
      const [line, ...more] = transferLines(ftp);
      assert.deepEqual(more, []);
      assert.deepEqual([line?.level, line?.msg], ['info', `${direction} rejected`]);
      assert.deepEqual([line?.['reason'], line?.['reply']], ['missing', 550]);
      assert.equal(line?.['err'], undefined);
    });
  }
});

test('what COS denies is a warning with its error: a key lacks an action', async () => {
  await using ftp = await startTestGateway();
  await ftp.cosd.inspect.put(ftp.cosd.bucket, 'file', 'x');
  ftp.cosd.faults.set([
    {
      operation: 'GetObject',
      act: { do: 'error', status: 403, code: 'AccessDenied' },
      times: 'always',
    },
  ]);
  await using client = await FtpClient.logIn(ftp.port);
  assert.equal((await client.read('RETR file')).reply.code, 550);
  const [line] = transferLines(ftp);
  assert.deepEqual([line?.level, line?.['reason']], ['warn', 'denied']);
  assert.ok(line?.['err'] instanceof Error);
});
