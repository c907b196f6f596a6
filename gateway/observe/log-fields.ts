/**
 * The net under every log line: copies the fields into plain JSON, with secrets taken out at any depth
 * and sizes bounded. It is a second line of defence; callers must not log secrets in the first place.
 *
 * It must never throw, whatever it is given: a log call sits inside error handling.
 */
import { errorFields, type StackPolicy } from './error-fields.ts';

const redacted = '[redacted]';
const depthMax = 8;
const itemsMax = 100;
/** Characters of one text; FTP command lines and COS error bodies stay whole below it. */
const textMax = 8192;

/** The line's own words; a field of that name is written as `level_`. */
const lineWords: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

/** Compared without case, `_` and `-`, at the end of a name: `cos_secretkey`, `x-cos-security-token`. */
const secretNameEndings = [
  'password',
  'passwordhash',
  'passwd',
  'secret',
  'secretkey',
  'privatekey',
  'authorization',
  'token',
  'signature',
];

/** Signed COS URLs and headers carry these inside a text (COS page 436/7778). */
const secretInText = /(q-signature=|x-cos-security-token=|x-cos-security-token:\s*)[^&\s"']+/gi;

/** @param fields is not changed. */
export function logFields(
  fields: Readonly<Record<string, unknown>>,
  stacks: StackPolicy,
): Record<string, unknown> {
  try {
    const copy = copyRecord(fields, stacks, 0);
    const named = Object.entries(copy).map(([name, value]) => [fieldName(name), value] as const);
    return Object.fromEntries(named);
  } catch (error) {
    return { unloggable: error instanceof Error ? error.message : String(error) };
  }
}

function fieldName(name: string): string {
  return lineWords.has(name) ? `${name}_` : name;
}

function copyRecord(
  record: Readonly<Record<string, unknown>>,
  stacks: StackPolicy,
  depth: number,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record).slice(0, itemsMax)) {
    if (value === undefined) continue;
    copy[name] = isSecretName(name) ? redacted : copyValue(value, stacks, depth + 1);
  }
  return copy;
}

function copyValue(value: unknown, stacks: StackPolicy, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return cleanText(value);
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null ? null : copyObject(value, stacks, depth);
    case 'function':
    case 'symbol':
      return `[${typeof value}]`;
    default:
      return value;
  }
}

function copyObject(value: object, stacks: StackPolicy, depth: number): unknown {
  if (depth > depthMax) return '[deeper]';
  if (value instanceof Error) return copyRecord(errorFields(value, stacks), stacks, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return copyRecord(Object.fromEntries(value), stacks, depth);
  if (value instanceof URL) return cleanText(value.href);
  if (value instanceof Set) return copyList([...value], stacks, depth);
  if (Array.isArray(value)) return copyList(value, stacks, depth);
  return copyRecord(value as Readonly<Record<string, unknown>>, stacks, depth);
}

function copyList(items: readonly unknown[], stacks: StackPolicy, depth: number): unknown[] {
  return items.slice(0, itemsMax).map((item) => copyValue(item, stacks, depth + 1));
}

function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replace(/[_-]/g, '');
  return secretNameEndings.some((ending) => plain.endsWith(ending));
}

function cleanText(text: string): string {
  const short = text.length > textMax ? `${text.slice(0, textMax)}…` : text;
  return short.replace(secretInText, `$1${redacted}`);
}
