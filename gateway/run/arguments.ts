/** argv → what to do. Pure: prints nothing, reads nothing. */
import { parseArgs } from 'node:util';
import { nearest } from '#gateway/config/suggest.ts';
import {
  type CommandName,
  commandSpecs,
  helpOption,
  isCommandName,
  type OptionSpec,
} from './command-specs.ts';

export type ParsedArguments =
  | { readonly kind: 'help'; readonly command: CommandName | undefined }
  /** `command`: whose help would have told. */
  | {
      readonly kind: 'usage-error';
      readonly message: string;
      readonly command: CommandName | undefined;
    }
  | {
      readonly kind: 'run';
      readonly command: CommandName;
      readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
    };

export function parseArguments(argv: readonly string[]): ParsedArguments {
  const [first, second] = argv;
  if (first === '--help' || first === '-h' || first === 'help') {
    const isAboutOne = first === 'help' && second !== undefined && isCommandName(second);
    return { kind: 'help', command: isAboutOne ? second : undefined };
  }
  if (first === '--version') return { kind: 'run', command: 'version', options: {} };
  if (first === undefined || first.startsWith('-')) return parseOptions('serve', argv);
  if (isCommandName(first)) return parseOptions(first, argv.slice(1));
  const names = Object.keys(commandSpecs);
  const message = `unknown command "${first}"${suggestion(first, names)}`;
  return { kind: 'usage-error', message, command: undefined };
}

function parseOptions(command: CommandName, argv: readonly string[]): ParsedArguments {
  const specs: Record<string, OptionSpec> = { ...commandSpecs[command].options, help: helpOption };
  const wrong = (message: string) => ({ kind: 'usage-error', message, command }) as const;
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, parsing(spec)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    const problem = tokenProblem(token, command, specs);
    if (problem !== undefined) return wrong(problem);
  }
  if (values['help'] === true) return { kind: 'help', command };
  return { kind: 'run', command, options: values as ParsedOptions };
}

function parsing({ type, short, multiple }: OptionSpec) {
  return { type, ...(short && { short }), ...(multiple && { multiple }) };
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/** What is wrong with one word of the command line, told for people; Node's own texts are not. */
function tokenProblem(
  token: Token,
  command: CommandName,
  specs: Readonly<Record<string, OptionSpec>>,
): string | undefined {
  switch (token.kind) {
    case 'option-terminator':
      return undefined;
    case 'positional':
      return `${command} takes options only, not "${token.value}"${cureFor(token.value)}`;
    case 'option': {
      const { name, rawName, value } = token;
      const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
      if (!spec) return `unknown option ${rawName}${suggestion(name, Object.keys(specs), '--')}`;
      if (spec.type === 'boolean') {
        return value === undefined ? undefined : `${rawName} takes no value`;
      }
      const isMissing = value === undefined || (!token.inlineValue && value.startsWith('-'));
      return isMissing ? `${rawName} needs a value: --${name} ${spec.value}` : undefined;
    }
  }
}

/** `npm start` is `serve` already, and a file name is easily typed without its option. */
function cureFor(word: string): string {
  if (isCommandName(word)) return ` (the command: npx cos-ftp-gateway ${word})`;
  return /\.(conf|ini|ya?ml|json)$/i.test(word) ? ` (did you mean --config ${word}?)` : '';
}

function suggestion(word: string, known: readonly string[], prefix = ''): string {
  const meant = nearest(word, known);
  if (meant !== undefined && known.includes(meant)) return ` (did you mean ${prefix}${meant}?)`;
  return `: one of ${known.map((name) => `${prefix}${name}`).join(', ')}`;
}

type ParsedOptions = Record<string, string | boolean | string[] | undefined>;
