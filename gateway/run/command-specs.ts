/**
 * The commands, their options and their help in one table, so that a word cannot exist without being
 * explained. Pure.
 */

export type CommandName = 'serve' | 'check-config' | 'hash-password' | 'cosd' | 'version';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  readonly short?: string;
  /** Shown after the name in help, for example `FILE`. */
  readonly value?: string;
  readonly help: string;
}

interface CommandSpec {
  readonly summary: string;
  readonly details: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
}

const configOptions = {
  config: {
    type: 'string',
    short: 'c',
    value: 'FILE',
    help: "*.conf: the original tool's vsftpd.conf; *.yaml, *.yml, *.json: ours",
  },
  set: {
    type: 'string',
    multiple: true,
    value: 'WORD=VALUE',
    help: 'override one word, for example --set listen_port=2100; repeatable; beats COSFTP_<WORD>',
  },
} as const satisfies Record<string, OptionSpec>;

export const commandSpecs = {
  serve: {
    summary: 'run the gateway (default)',
    details: [
      'Runs the FTP gateway until SIGTERM or Ctrl-C.',
      'With --config it serves the accounts of that file and follows it: changes count while it runs, those',
      'that need a restart are named in the log, and SIGHUP reads it again.',
      'With --demo it brings its own COS and account.',
    ].join('\n'),
    options: {
      ...configOptions,
      demo: {
        type: 'boolean',
        help: 'embedded COS under ./cos-data and a demo account on 127.0.0.1; ignored with --config',
      },
      'data-dir': {
        type: 'string',
        value: 'DIR',
        help: 'where the demo keeps its objects (default ./cos-data)',
      },
    },
  },
  'check-config': {
    summary: 'check a configuration and print every problem with its place',
    details:
      'Exit code 0: it can be used. 2: it cannot; every problem is named. Nothing is started.',
    options: configOptions,
  },
  'hash-password': {
    summary: 'turn a password from standard input into a password_hash',
    details: [
      'Prints the hash for `password_hash` of what it reads: the first line of standard input, or, at a',
      'terminal, what is typed there unseen.',
    ].join('\n'),
    options: {},
  },
  cosd: {
    summary: 'run the embedded COS alone',
    details: [
      'A COS XML API server for tests, demos and rehearsals: real signatures, one process, one directory.',
      'Start it with its secret key:  COSD_SECRET_KEY=secret npx cos-ftp-gateway cosd --data-dir cosd-data',
      'Point a gateway at it, in the cos block of its configuration:',
      '  {bucket: any-1250000000, endpoint: 127.0.0.1:9000, protocol: http, secretid: AKIDdemo, secretkey: secret}',
    ].join('\n'),
    options: {
      host: { type: 'string', value: 'ADDRESS', help: 'listen address (default 127.0.0.1)' },
      port: { type: 'string', value: 'PORT', help: 'listen port (default 9000; 0: any free one)' },
      'data-dir': { type: 'string', value: 'DIR', help: 'keep objects there (default: in memory)' },
      discard: { type: 'boolean', help: 'keep checksums and sizes but no bytes: for benchmarks' },
      secretid: { type: 'string', value: 'ID', help: 'the one key it accepts (default AKIDdemo)' },
      'secretkey-env': {
        type: 'string',
        value: 'NAME',
        help: 'environment variable that holds the secret key (default COSD_SECRET_KEY)',
      },
      faults: { type: 'string', value: 'FILE', help: 'JSON script of failures to rehearse' },
      'admin-port': {
        type: 'string',
        value: 'PORT',
        help: 'change that script while it runs: GET, PUT, DELETE http://127.0.0.1:PORT/faults; GET /requests',
      },
    },
  },
  version: { summary: 'print the version', details: 'Prints the version.', options: {} },
} as const satisfies Record<CommandName, CommandSpec>;

export const helpOption: OptionSpec = { type: 'boolean', short: 'h', help: 'this text' };

export function isCommandName(text: string): text is CommandName {
  return Object.hasOwn(commandSpecs, text);
}

/** The text of `--help`, of one command or of all. */
export function helpText(command: CommandName | undefined): string {
  return command === undefined ? overview() : commandHelp(command);
}

function overview(): string {
  const rows = Object.entries(commandSpecs).map(
    ([name, spec]) => `  ${name.padEnd(14)} ${spec.summary}`,
  );
  return [
    'FTP gateway to Tencent Cloud COS',
    '',
    'Usage: cos-ftp-gateway [COMMAND] [OPTIONS]',
    '',
    ...rows,
    '',
    'cos-ftp-gateway COMMAND --help explains one.',
    'First try: cos-ftp-gateway serve --demo',
    'Your own:  cos-ftp-gateway serve --config gateway.yaml   (examples/ has one of each kind)',
  ].join('\n');
}

function commandHelp(command: CommandName): string {
  const spec: CommandSpec = commandSpecs[command];
  const options = Object.entries({ ...spec.options, help: helpOption }).map(([name, option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    const usage = `${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`;
    return `  ${usage.padEnd(24)} ${option.help}`;
  });
  return [
    `Usage: cos-ftp-gateway ${command} [OPTIONS]`,
    '',
    spec.details,
    '',
    'Options:',
    ...options,
  ].join('\n');
}
