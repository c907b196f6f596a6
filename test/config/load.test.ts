import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type LoadedConfig, loadConfig, parseConfigText } from '#gateway/config/load.ts';
import { ConfigError } from '#gateway/config/problem.ts';
import {
  loadIni,
  loadYaml,
  minimalIni,
  minimalYaml,
  noticesOf,
  onlyAccount,
  problemsOf,
} from '#test/support/config-text.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

/** The error's kind and problems, or a failure when loading works. */
function refusal(load: () => LoadedConfig): { kind: string; problems: string[] } {
  const problems = problemsOf(load);
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return { kind: error.kind, problems };
  }
  throw new Error('expected a refusal');
}

/** Root may read everything, so it becomes nobody for the moment. Synchronous: other tests stay root. */
function asOrdinaryUser<T>(work: () => T): T {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

describe('a file', () => {
  test('is read by the kind its name says, its own paths against its directory', async () => {
    await using directory = await temporaryDirectory();
    const cwd = directory.path;
    await mkdir(join(cwd, 'conf'));
    const yaml = minimalYaml('masquerade_address_file: address\nlog: {directory: logs}');
    for (const name of ['gateway.yaml', 'gateway.yml', 'gateway.YAML', 'gateway.json']) {
      await writeFile(join(cwd, 'conf', name), yaml);
      const { config } = loadConfig({ file: `conf/${name}`, cwd });
      assert.equal(config.masquerade_address_file, join(cwd, 'conf', 'address'));
      assert.equal(config.log.directory, join(cwd, 'conf', 'logs'));
    }
    for (const name of ['vsftpd.conf', 'vsftpd.ini']) {
      await writeFile(join(cwd, 'conf', name), minimalIni('[OPTIONAL]\nlog_dir = logs'));
      const { config } = loadConfig({ file: join(cwd, 'conf', name), cwd });
      assert.equal(config.log.directory, join(cwd, 'logs'));
    }
  });

  test('may begin with a byte-order mark and end its lines with CR LF, in both formats', async () => {
    await using directory = await temporaryDirectory();
    const cwd = directory.path;
    const texts = {
      'a.yaml': minimalYaml('listen_port: 7'),
      'a.conf': minimalIni('[NETWORK]\nlisten_port=7'),
    };
    for (const [name, text] of Object.entries(texts)) {
      await writeFile(join(cwd, name), `\uFEFF${text.replaceAll('\n', '\r\n')}`);
      assert.equal(loadConfig({ file: name, cwd }).config.listen_port, 7);
    }
  });

  test('may hold comments in another encoding, but no values', async () => {
    await using directory = await temporaryDirectory();
    const cwd = directory.path;
    const gbk = Buffer.from([0xb6, 0xcb, 0xbf, 0xda]);
    await writeFile(
      join(cwd, 'a.conf'),
      Buffer.concat([Buffer.from('# '), gbk, Buffer.from(`\n${minimalIni()}`)]),
    );
    assert.equal(onlyAccount(loadConfig({ file: 'a.conf', cwd }).config).user, 'user0');
    const named = minimalIni('', { ftp_login_user_name: '@' }).split('@');
    await writeFile(
      join(cwd, 'a.conf'),
      Buffer.concat([Buffer.from(named[0] ?? ''), gbk, Buffer.from(named[1] ?? '')]),
    );
    assert.deepEqual(
      problemsOf(() => loadConfig({ file: 'a.conf', cwd })),
      [
        'a.conf:6: [COS_ACCOUNT_0] ftp_login_user_name: holds bytes that are not UTF-8 (save it as UTF-8)',
      ],
    );
  });

  test('that cannot be had is told by its name as given and its reason', async () => {
    await using directory = await temporaryDirectory();
    const cwd = directory.path;
    await mkdir(join(cwd, 'dir.yaml'));
    await writeFile(join(cwd, 'file.txt'), '');
    await writeFile(join(cwd, 'utf16.yaml'), Buffer.from('\uFEFFa: 1', 'utf16le'));
    await writeFile(join(cwd, 'large.yaml'), Buffer.alloc(8 * 2 ** 20 + 1, '#'));
    const reasons = {
      'missing.yaml': 'there is no such file',
      'file.txt/x.yaml': 'there is no such directory',
      'dir.yaml': 'is a directory',
      'file.txt':
        'the name does not say what kind of configuration this is (name it *.conf (the original tool’s INI) or *.yaml, *.yml, *.json (ours))',
      noextension:
        'the name does not say what kind of configuration this is (name it *.conf (the original tool’s INI) or *.yaml, *.yml, *.json (ours))',
      'utf16.yaml': 'is UTF-16 (save it as UTF-8)',
      'large.yaml': 'is larger than 8 MiB',
    };
    for (const [file, reason] of Object.entries(reasons)) {
      assert.deepEqual(
        refusal(() => loadConfig({ file, cwd })),
        {
          kind: 'unreadable',
          problems: [`${file}: ${reason}`],
        },
      );
    }
  });

  test('that this user may not read is told so', async () => {
    await using directory = await temporaryDirectory();
    await chmod(directory.path, 0o755);
    await writeFile(join(directory.path, 'a.yaml'), '');
    await chmod(join(directory.path, 'a.yaml'), 0);
    assert.deepEqual(
      asOrdinaryUser(() => problemsOf(() => loadConfig({ file: 'a.yaml', cwd: directory.path }))),
      ['a.yaml: may not be read by this user'],
    );
  });

  test('that is empty lacks accounts, and says so', () => {
    assert.deepEqual(
      refusal(() => loadYaml('')),
      {
        kind: 'invalid',
        problems: ['gateway.yaml: accounts: is missing'],
      },
    );
    assert.deepEqual(
      problemsOf(() => loadIni('')),
      ['vsftpd.conf: has no section [COS_ACCOUNT_0]: nobody could log in'],
    );
    assert.deepEqual(
      problemsOf(() => parseConfigText({ cwd: '/' })),
      ['configuration: accounts: is missing'],
    );
  });
});

test('all problems of YAML, environment and arguments come at once, in reading order', () => {
  const text = `listen_port: 70000
listn_address: "::"
passive_port: 61015-61000
tls: {certificate_file: tls.crt, min_version: 1.3}
log:
  level: verbose
cos: {region: ap-guangzhou, secretid: AKIDexample}
accounts:
  - user: alice
    password: hunter2
    password_hash: $scrypt$hunter3
    prefix: /incoming
  - user: alice
    permissions: [read, rename]
    cos: {bucket: inbox-1250000000, secretid: AKIDexample, secretkey: "hunter4 "}
`;
  const rest = {
    env: { COSFTP_DRAIN_SECONDS: 'an hour', COSFTP_LISTEN_PRT: '21' },
    set: ['log.keep=many', 'colour=red'],
  };
  assert.deepEqual(
    problemsOf(() => loadYaml(text, rest)),
    [
      '--set colour: unknown word "colour"',
      'COSFTP_DRAIN_SECONDS: drain_seconds: "an hour" is not a number of seconds from 0 to 604800',
      '--set log.keep: log.keep: "many" is not a number of files from 0 to 100000',
      'gateway.yaml:1:14: listen_port: "70000" is not a port from 0 to 65535',
      'gateway.yaml:2:1: unknown word "listn_address" (did you mean listen_address?)',
      'gateway.yaml:3:15: passive_port: "61015-61000" ends before it begins (61000-61015?)',
      'gateway.yaml:4:6: tls.key_file: is missing',
      'gateway.yaml:4:47: tls.min_version: 1.3 is above max_version 1.2 (set max_version: "1.3" as well)',
      'gateway.yaml:6:10: log.level: "verbose" is not one of debug, info, warn, error',
      'gateway.yaml:7:6: cos.secretkey: is missing beside secretid',
      'gateway.yaml:9:5: accounts[0].cos.bucket: is missing',
      'gateway.yaml:11:20: accounts[0].password_hash: is not a password hash of ours (it reads $scrypt$ln=15,r=8,p=1$…$…; make one with the command hash-password)',
      'gateway.yaml:11:20: accounts[0].password_hash: stands beside password: keep one',
      'gateway.yaml:12:13: accounts[0].prefix: "/incoming" begins with a slash, keys in COS do not (write "incoming/")',
      'gateway.yaml:13:5: accounts[1]: has none of password, password_hash, password_file',
      'gateway.yaml:13:11: accounts[1].user: "alice" is the user of another account already, see gateway.yaml:9:11',
      'gateway.yaml:14:25: accounts[1].permissions[1]: "rename" is not one of list, read, write, overwrite, delete',
    ],
  );
});

test('all problems of an INI come at once, in reading order', () => {
  const text = `listen_port = 1
[COS_ACCOUNT_0]
cos_secretid = AKIDexample
cos_bucket = inbox
cos_region = ap-guangzhou
ftp_login_user_name = user0
ftp_login_user_password = hunter2
authority = X
this is nothing: no
neither is this
[COS_ACCOUNT_1]
cos_bucket = inbox-1250000000
ftp_login_user_name = user0
ftp_login_user_password =
 authority = RW
[NETWORK]
listen_port = ftp
passive_port = 1,2,3
`;
  assert.deepEqual(
    problemsOf(() => loadIni(text)),
    [
      'vsftpd.conf:1: a key stands before the first [SECTION]',
      'vsftpd.conf:2: [COS_ACCOUNT_0] cos_secretkey: is missing beside secretid',
      'vsftpd.conf:4: [COS_ACCOUNT_0] cos_bucket: "inbox" is not a bucket (the whole name with the APPID, in small letters: inbox-1250000000)',
      'vsftpd.conf:8: [COS_ACCOUNT_0] authority: "X" holds neither R nor W (R reads, W writes, RW does both)',
      'vsftpd.conf:10: neither `key = value` nor a [SECTION] nor a comment',
      'vsftpd.conf:11: [COS_ACCOUNT_1] authority: is missing',
      'vsftpd.conf:11: [COS_ACCOUNT_1] cos_region: is missing, and there is no endpoint either',
      'vsftpd.conf:13: [COS_ACCOUNT_1] ftp_login_user_name: "user0" is the user of another account already, see vsftpd.conf:6',
      'vsftpd.conf:14: [COS_ACCOUNT_1] ftp_login_user_password: goes on in line 15, which is indented (a key of its own begins in the first column)',
      'vsftpd.conf:17: [NETWORK] listen_port: "ftp" is not a port from 0 to 65535',
      'vsftpd.conf:18: [NETWORK] passive_port: "1,2,3" is not a range of ports (write first,last: 60000,65535)',
    ],
  );
});

/** In the shape of the original's sample: comments behind values, the address left as it came. */
test('the original’s sample works as it is', () => {
  const text = `[COS_ACCOUNT_0]
cos_secretid = COS_SECRETID    # Replace it with your SecretId
cos_secretkey = COS_SECRETKEY  # Replace it with your SecretKey
cos_bucket = examplebucket-1250000000
cos_region = ap-guangzhou      # The bucket's region
cos_protocol = https
#cos_endpoint = ap-xxx.myqcloud.com
home_dir = /home/user0         # Need not be the system's home directory
ftp_login_user_name=user0      # Replace it
ftp_login_user_password=pass0  # Replace it
authority=RW                   # R: read; W: write
delete_enable=true             # true: may be deleted

[NETWORK]
masquerade_address = XXX.XXX.XXX.XXX   # 端口映射后的外网地址
listen_port = 2121	   # The port

passive_port = 60000,65535

[FILE_OPTION]
single_file_max_size = 21474836480

[OPTIONAL]
config_check_enable = true
min_part_size       = default
upload_thread_num   = default
max_connection_num  = 512
max_list_file       = 10000
log_level           = INFO
log_dir             = log
`;
  const loaded = loadIni(text);
  const { config } = loaded;
  assert.equal(config.masquerade_address, undefined);
  assert.equal(config.listen_port, 2121);
  assert.equal(config.single_file_max_size, 21474836480);
  assert.equal(config.max_sessions, 255);
  assert.equal(onlyAccount(config).user, 'user0');
  assert.deepEqual(onlyAccount(config).password, { kind: 'plain', value: 'pass0' });
  assert.deepEqual(
    noticesOf(loaded).map((notice) => notice.split(': ').slice(0, 2).join(' ')),
    [
      'warn vsftpd.conf:15 [NETWORK] masquerade_address',
      'info vsftpd.conf:24 [OPTIONAL] config_check_enable',
      'info vsftpd.conf:28 [OPTIONAL] max_list_file',
      'warn vsftpd.conf:3 [COS_ACCOUNT_0] cos_secretkey',
      'warn vsftpd.conf:10 [COS_ACCOUNT_0] ftp_login_user_password',
      'info vsftpd.conf:18 [NETWORK] passive_port',
    ],
  );
});
