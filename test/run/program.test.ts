/** The program as a process: commands, exit codes, the demo, signals. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Client } from 'basic-ftp';
import { verifyPassword } from '#gateway/auth/password.ts';
import { until } from '#test/support/condition.ts';
import { FtpClient } from '#test/support/ftp-client.ts';
import { type Program, runProgram, startProgram } from '#test/support/program.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

describe('arguments', () => {
  test('--help lists the commands and ends with 0', async () => {
    const { code, stdout } = await runProgram({ args: ['--help'] });
    assert.equal(code, 0);
    for (const word of ['serve', 'check-config', 'hash-password', 'cosd', 'version']) {
      assert.match(stdout, new RegExp(`^ {2}${word} `, 'm'));
    }
  });

  test('serve with neither --config nor --demo ends with 2 and the help', async () => {
    const { code, stderr } = await runProgram({ args: ['serve'] });
    assert.equal(code, 2);
    assert.match(stderr, /serve needs --config FILE or --demo/);
    assert.match(stderr, /--config FILE/);
  });

  test('an unknown command or option ends with 2 and names it', async () => {
    const command = await runProgram({ args: ['sevre'] });
    assert.equal(command.code, 2);
    assert.match(command.stderr, /unknown command "sevre"/);
    const option = await runProgram({ args: ['serve', '--cofnig', 'x'] });
    assert.equal(option.code, 2);
    assert.match(option.stderr, /--cofnig/);
  });

  test('version prints the version of package.json', async () => {
    const packageFile = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    const { code, stdout } = await runProgram({ args: ['version'] });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: `${packageFile.version}\n` });
  });

  test('hash-password reads standard input and prints a hash the gateway takes', async () => {
    const { code, stdout } = await runProgram({ args: ['hash-password'], input: 's3cret\n' });
    assert.equal(code, 0);
    assert.match(stdout, /^\$scrypt\$\S+\n$/);
    assert.equal((await runProgram({ args: ['hash-password'], input: '\n' })).code, 2);
    const hashed = await runProgram({ args: ['hash-password'], input: 's3cret\r\nanother line\n' });
    assert.equal(
      await verifyPassword('s3cret', hashed.stdout.trim()),
      true,
      'the first line alone',
    );
  });
});

describe('check-config', () => {
  test('names every problem of a broken YAML with its line, exit 2', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(
      join(directory.path, 'broken.yaml'),
      [
        'listen_port: 70000',
        'passiv_port: 61000-61015',
        'masquerade_address: 300.1.1.1',
        'accounts:',
        '  - user: alice',
        '    prefix: a/',
      ].join('\n'),
    );
    const { code, stderr } = await runProgram({
      args: ['check-config', '--config', 'broken.yaml'],
      cwd: directory.path,
    });
    assert.equal(code, 2);
    for (const place of [1, 2, 3, 5])
      assert.match(stderr, new RegExp(`^broken.yaml:${place}\\b`, 'm'));
  });

  test('names every problem of a broken INI with its line, exit 2', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(
      join(directory.path, 'vsftpd.conf'),
      [
        '[COS_ACCOUNT_0]',
        'cos_bucket = not a bucket',
        'authority = X',
        '[NETWORK]',
        'listen_port = many',
        'passive_port = 5,1',
      ].join('\n'),
    );
    const { code, stderr } = await runProgram({
      args: ['check-config', '--config', 'vsftpd.conf'],
      cwd: directory.path,
    });
    assert.equal(code, 2);
    for (const place of [2, 3, 5, 6])
      assert.match(stderr, new RegExp(`^vsftpd.conf:${place}\\b`, 'm'));
  });

  test('accepts the examples, exit 0', async () => {
    for (const file of ['examples/gateway.yaml', 'examples/vsftpd.conf']) {
      const { code, stdout, stderr } = await runProgram({ args: ['check-config', '-c', file] });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /ok/);
    }
  });
});

describe('the demo', () => {
  test('puts, lists and gets a file by the address and password it prints, and keeps it', async () => {
    await using directory = await temporaryDirectory();
    for (const round of ['first', 'second']) {
      await using program = await startProgram({ args: ['serve', '--demo'], cwd: directory.path });
      const login = printedLogin(program);
      const client = new Client(10_000);
      await client.access({ ...login, secure: false });
      if (round === 'first') {
        await writeFile(join(directory.path, 'hello.txt'), 'hello\n');
        await client.uploadFrom(join(directory.path, 'hello.txt'), 'hello.txt');
      }
      const names = (await client.list()).map((entry) => entry.name);
      assert.deepEqual(names, ['hello.txt']);
      await client.downloadTo(join(directory.path, 'copy.txt'), 'hello.txt');
      assert.equal(await readFile(join(directory.path, 'copy.txt'), 'utf8'), 'hello\n');
      client.close();
      assert.deepEqual(await program.stop('SIGINT'), { code: 0, signal: null });
    }
    const log = await readFile(join(directory.path, 'cos-data/log/cos_v5.log'), 'utf8');
    assert.match(log, /"msg":"upload completed"/);
    assert.doesNotMatch(log, /"password"/);
  });

  test('moves to the next free port when 2121 is taken, and says so', async () => {
    await using directory = await temporaryDirectory();
    const squatter = createServer();
    squatter.listen(2121, '127.0.0.1');
    await once(squatter, 'listening').catch(() => undefined); // taken by somebody else serves as well
    await using program = await startProgram({ args: ['serve', '--demo'], cwd: directory.path });
    assert.notEqual(program.listening['ftp_port'], 2121);
    assert.match(program.stdout, /port 2121 is taken, so FTP uses \d+/);
    squatter.close();
  });

  test('SIGTERM lets a running upload finish and then ends with 0', async () => {
    await using directory = await temporaryDirectory();
    await using program = await startProgram({ args: ['serve', '--demo'], cwd: directory.path });
    const { port, user, password } = printedLogin(program);
    await using client = await FtpClient.logIn(port, user, password);
    const data = await client.beginStore('slow');
    data.write(Buffer.alloc(100_000));
    program.process.kill('SIGTERM');
    data.end(Buffer.alloc(100_000));
    assert.equal((await client.reply()).code, 226);
    client.send('QUIT');
    await once(program.process, 'close');
    assert.equal(program.process.exitCode, 0);
  });

  test('one Ctrl-C that arrives twice, as under npm, still lets a running upload finish', async () => {
    await using directory = await temporaryDirectory();
    await using program = await startProgram({ args: ['serve', '--demo'], cwd: directory.path });
    const { port, user, password } = printedLogin(program);
    await using client = await FtpClient.logIn(port, user, password);
    const data = await client.beginStore('slow');
    data.write(Buffer.alloc(100_000));
    program.process.kill('SIGINT');
    await until('the first signal to arrive', () => program.stdout.includes('"msg":"stopping"'));
    program.process.kill('SIGINT');
    data.end(Buffer.alloc(100_000));
    assert.equal((await client.reply()).code, 226);
    await once(program.process, 'close');
    assert.equal(program.process.exitCode, 0);
  });

  test('log.level rules standard output alone: cos_v5.log is complete', async () => {
    await using directory = await temporaryDirectory();
    await using program = await startProgram({
      args: ['serve', '--demo', '--set', 'log.level=warn'],
      cwd: directory.path,
    });
    const { port, user, password } = printedLogin(program);
    await (await FtpClient.logIn(port, user, password))[Symbol.asyncDispose]();
    await program.stop('SIGINT');
    const log = await readFile(join(directory.path, 'cos-data/log/cos_v5.log'), 'utf8');
    assert.match(log, /"msg":"logged in"/);
    assert.doesNotMatch(program.stdout, /"msg":"logged in"/);
  });

  test('an unwritable log directory is a warning, not a refusal', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, 'cos-data'));
    await writeFile(
      join(directory.path, 'cos-data/log'),
      'a file stands where the directory should be',
    );
    await using program = await startProgram({ args: ['serve', '--demo'], cwd: directory.path });
    assert.match(program.stdout, /log file not writable/);
  });
});

function printedLogin(program: Program) {
  const match = /curl -T hello\.txt ftp:\/\/(\w+):(\w+)@127\.0\.0\.1:(\d+)\//.exec(program.stdout);
  assert.ok(match, 'the demo prints a line that works');
  const [, user = '', password = '', port = ''] = match;
  return { host: '127.0.0.1', port: Number(port), user, password };
}
