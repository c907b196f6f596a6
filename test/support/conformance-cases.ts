/**
 * What the conformance suite says to the server, verb by verb. The answers are in
 * test/golden/conformance.golden.txt; test/compliance.test.ts fails for a verb that has no row here.
 */

export interface ConformanceCase {
  /** Lines of one session, in order. Each verb also gets the arguments of `wrongArguments`. */
  readonly lines: readonly string[];
  /** What the client does with data connections that are opened for it. Default `reads`. */
  readonly data?: 'reads' | 'sends';
  /** Each line in a session of its own: they end it, or change what the next one means. */
  readonly alone?: true;
}

/** Arguments every verb is tried with: none, nothing behind the space, and what no name may hold. */
export const wrongArguments: readonly string[] = [
  '',
  ' ',
  ' a\x01b',
  ' \xff',
  ` ${'n'.repeat(900)}`,
  ` ${'x'.repeat(8192)}`,
];

const aliases = (verbs: readonly string[], lines: (verb: string) => readonly string[]) =>
  Object.fromEntries(verbs.map((verb) => [verb, { lines: lines(verb) }]));

/**
 * In a jail that holds `dir/file` of 7 bytes, `dir/sub/` and `empty/`. `EPSV` in front of a transfer:
 * the client opens the connection it names.
 */
export const conformanceCases: Readonly<Record<string, ConformanceCase>> = {
  USER: { lines: ['USER alice', 'USER nobody', 'PWD'] },
  PASS: { lines: ['USER alice', 'PASS secret', 'PASS secret', 'USER alice', 'PASS wrong'] },
  REIN: { lines: ['REIN', 'PWD'] },
  QUIT: { lines: ['QUIT'], alone: true },
  AUTH: { lines: ['AUTH TLS', 'AUTH SSL', 'AUTH KERBEROS_V4'] },
  PBSZ: { lines: ['PBSZ 0', 'PBSZ 1024'] },
  PROT: { lines: ['PROT P', 'PROT C', 'PROT S'] },
  CCC: { lines: ['CCC'] },
  FEAT: { lines: ['FEAT'] },
  HOST: { lines: ['HOST ftp.example.com', 'HOST a b'] },
  CLNT: { lines: ['CLNT a program'] },
  SYST: { lines: ['SYST', 'syst'] },
  NOOP: { lines: ['NOOP', 'NOOP anything'] },
  HELP: { lines: ['HELP', 'HELP stor', 'HELP SITE', 'HELP XYZZY'] },
  OPTS: {
    lines: [
      'OPTS UTF8 ON',
      'OPTS utf8 on',
      'OPTS UTF8',
      'OPTS UTF8 OFF',
      'OPTS UTF8 NLST',
      'OPTS MLST size;Type;nonsense;',
      'OPTS MLST',
      'OPTS HASH',
      'OPTS HASH MD5',
      'OPTS HASH SHA-1',
      'OPTS LIST x',
    ],
  },
  STAT: { lines: ['STAT', 'STAT dir/file', 'STAT -la dir', 'STAT d*', 'STAT none'] },
  SITE: {
    lines: [
      'SITE HELP',
      'SITE CHMOD 644 dir/file',
      'SITE CHMOD x',
      'SITE UTIME 20240102030405 dir/file',
      'SITE XYZZY',
      'site help',
    ],
  },
  ...aliases(['PWD', 'XPWD'], (verb) => [verb]),
  ...aliases(['CWD', 'XCWD'], (verb) => [
    `${verb} dir`,
    `${verb} sub`,
    `${verb} ../../..`,
    `${verb} none`,
    `${verb} dir/file`,
    `${verb} .cosftp`,
  ]),
  ...aliases(['CDUP', 'XCUP'], (verb) => ['CWD dir/sub', verb, verb, verb]),
  ...aliases(['MKD', 'XMKD'], (verb) => [
    `${verb} new "one"`,
    `${verb} dir`,
    `${verb} /`,
    `${verb} .cosftp/x`,
  ]),
  ...aliases(['RMD', 'XRMD'], (verb) => [
    `${verb} empty`,
    `${verb} dir`,
    `${verb} none`,
    `${verb} dir/file`,
    `${verb} /`,
  ]),
  SIZE: { lines: ['SIZE dir/file', 'SIZE /dir//./sub/../file', 'SIZE dir', 'SIZE none', 'SIZE /'] },
  MDTM: { lines: ['MDTM dir/file', 'MDTM dir', 'MDTM none', 'MDTM 20240102030405 dir/file'] },
  MFMT: { lines: ['MFMT 20240102030405 dir/file', 'MFMT 20240102030405', 'MFMT dir/file'] },
  DELE: { lines: ['DELE dir/file', 'DELE dir/file', 'DELE dir', 'DELE /'] },
  RNFR: { lines: ['RNFR dir/file', 'RNFR dir', 'RNFR none', 'RNFR /'] },
  RNTO: {
    lines: [
      'RNTO other',
      'RNFR dir/file',
      'RNTO empty',
      'RNTO other',
      'RNFR dir/file',
      'RNTO "quoted"',
      'RNFR "quoted"',
      'RNTO .cosftp/x',
    ],
  },
  PASV: { lines: ['PASV', 'EPSV ALL', 'PASV'] },
  EPSV: { lines: ['EPSV', 'EPSV 1', 'EPSV 2', 'EPSV 9', 'EPSV x', 'EPSV ALL'] },
  TYPE: { lines: ['TYPE A', 'TYPE a n', 'TYPE I', 'TYPE L 8', 'TYPE L 7', 'TYPE E', 'TYPE A T'] },
  MODE: { lines: ['MODE S', 'MODE s', 'MODE B', 'MODE Z'] },
  STRU: { lines: ['STRU F', 'STRU f', 'STRU R'] },
  PORT: { lines: ['PORT 127,0,0,1,200,10', 'PORT 1,2,3', 'PORT 127,0,0,1,999,1'] },
  EPRT: { lines: ['EPRT |1|127.0.0.1|51210|', 'EPRT |9|x|1|', 'EPRT x'] },
  ...aliases(['LIST', 'NLST', 'MLSD'], (verb) => [
    verb,
    'EPSV',
    `${verb} dir`,
    'EPSV',
    `${verb} empty`,
    'EPSV',
    `${verb} dir/file`,
    'EPSV',
    `${verb} none`,
    'EPSV',
    `${verb} dir/*`,
    'EPSV',
    `${verb} none/*`,
  ]),
  MLST: { lines: ['MLST', 'MLST dir/file', 'MLST dir', 'MLST none', 'MLST /'] },
  STOR: {
    data: 'sends',
    lines: [
      'STOR new',
      'EPSV',
      'STOR new',
      'EPSV',
      'STOR dir/file',
      'EPSV',
      'STOR /',
      'STOR .cosftp/x',
      'REST 3',
      'STOR dir/file',
      'REST 99',
      'STOR dir/file',
      'ALLO 8',
      'EPSV',
      'STOR short',
      'RANG 0 1',
      'EPSV',
      'STOR dir/file',
    ],
  },
  APPE: { data: 'sends', lines: ['APPE dir/file', 'EPSV', 'APPE dir/file', 'REST 1', 'APPE x'] },
  STOU: { data: 'sends', lines: ['STOU', 'EPSV', 'STOU a.txt', 'REST 1', 'STOU'] },
  RETR: {
    lines: [
      'RETR dir/file',
      'EPSV',
      'RETR dir/file',
      'EPSV',
      'RETR none',
      'EPSV',
      'RETR dir',
      'EPSV',
      'REST 3',
      'RETR dir/file',
      'EPSV',
      'REST 8',
      'RETR dir/file',
      'EPSV',
      'RANG 1 2',
      'RETR dir/file',
      'RETR /',
    ],
  },
  REST: { lines: ['REST 0', 'REST 3', 'REST -1', 'REST 1e3', 'REST 99999999999999999999'] },
  ALLO: { lines: ['ALLO 8', 'ALLO 8 R 80', 'ALLO x', 'ALLO 999999999999999'] },
  ABOR: { lines: ['ABOR', 'ABOR'] },
  RANG: { lines: ['RANG 0 3', 'RANG 1 0', 'RANG 3 0', 'RANG 1', 'RANG a b'] },
  HASH: { lines: ['HASH dir/file', 'HASH dir', 'HASH none', 'RANG 0 1', 'HASH dir/file'] },
  XMD5: { lines: ['XMD5 dir/file', 'XMD5 "dir/file" 0 7', 'XMD5 dir/file 0 1', 'XMD5 none'] },
  MD5: { lines: ['MD5 dir/file', 'MD5 none'] },
  ...aliases(['XCRC', 'XSHA', 'XSHA1', 'XSHA256', 'XSHA512'], (verb) => [`${verb} dir/file`]),
  ...aliases(
    ['ACCT', 'SMNT', 'ADAT', 'MIC', 'CONF', 'ENC', 'PRET', 'SPSV', 'CPSV', 'SSCN', 'ESTP'],
    (verb) => [`${verb} x`],
  ),
};

/** Lines that are no command of the table, and commands written in odd ways. */
export const oddLines: readonly string[] = [
  '',
  ' ',
  ' NOOP',
  'XYZZY',
  'noop',
  'NoOp',
  'NOOP ',
  'NOOP\tx',
  'NO\x00OP',
  'SIZEdir/file',
  'SIZE  dir/file',
  'SIZE dir/file ',
  `${'V'.repeat(8192)}`,
  `${'V'.repeat(8193)}`,
  'Ü',
];
