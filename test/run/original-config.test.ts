/** The original tool's configuration starts the gateway as it is. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startTestCosd } from '#test/support/cosd.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { freePortRange } from '#test/support/port-range.ts';
import { startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const secret = 'a#b;c=d:e';

test('vsftpd.conf with inline comments: two accounts on two buckets, a secret with # and ;', async () => {
  await using directory = await temporaryDirectory();
  await using cosd = await startTestCosd({ keys: new Map([['AKIDone', secret]]) });
  const account = (number: number) => [
    `[COS_ACCOUNT_${number}]`,
    'cos_secretid = AKIDone',
    `cos_secretkey = ${secret}`,
    `cos_bucket = bucket${number}-1250000000`,
    'cos_region = ap-guangzhou',
    'cos_protocol = http',
    `cos_endpoint = 127.0.0.1:${cosd.port}`,
    `home_dir = /home/user${number}             # no longer has to exist`,
    `ftp_login_user_name=user${number}`,
    `ftp_login_user_password=pass${number}`,
    'authority=RW                        # read and write',
    'delete_enable=true                  ; the default',
  ];
  const { first, last } = await freePortRange(8);
  await writeFile(
    join(directory.path, 'vsftpd.conf'),
    [
      ...account(0),
      ...account(1),
      '[NETWORK]',
      'masquerade_address = XXX.XXX.XXX.XXX        # the sample nobody edited',
      'listen_port = 0                     # any',
      `passive_port = ${first},${last}          # a range`,
      '[FILE_OPTION]',
      'single_file_max_size = 21474836480  # 20 GB',
      '[OPTIONAL]',
      'min_part_size = default',
      'upload_thread_num = default',
      'max_connection_num = 512',
      'max_list_file = 10000',
      'log_level = INFO',
      'log_dir = log',
    ].join('\n'),
  );
  await using program = await startProgram({
    args: ['serve', '--config', 'vsftpd.conf', '--set', 'admin_port=0'],
    cwd: directory.path,
  });
  const port = Number(program.listening['ftp_port']);
  for (const number of [0, 1]) {
    await using client = await FtpClient.logIn(port, `user${number}`, `pass${number}`);
    assert.equal((await client.store('file', Buffer.from(`of ${number}`))).code, 226);
    const stored = await cosd.inspect.bytes(`bucket${number}-1250000000`, 'file');
    assert.equal(Buffer.from(stored).toString(), `of ${number}`);
  }
  assert.doesNotMatch(program.stdout, /a#b;c/, 'the secret is not in the log');
});
