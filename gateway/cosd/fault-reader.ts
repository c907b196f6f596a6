/**
 * Reads a fault script from JSON, as users write it. Every mistake is named with its place; a script with
 * one is not used at all, because a rehearsal that quietly does nothing proves nothing.
 */
import { KindError } from '#gateway/kit/errors.ts';
import type { FaultAct, FaultPoint, FaultRule, FaultScript } from './fault-script.ts';
import { type Operation, operations } from './operation.ts';

export class FaultScriptError extends KindError<'not-json' | 'invalid'> {}

/** @throws FaultScriptError whose message lists all mistakes, one to a line. */
export function parseFaultScript(text: string): FaultScript {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FaultScriptError('not-json', 'a fault script is a JSON list of rules', {
      cause: error,
    });
  }
  const rules: readonly unknown[] = Array.isArray(json) ? json : [json];
  const mistakes = rules.flatMap((rule, at) => mistakesIn(rule, `rule ${at + 1}`));
  if (mistakes.length > 0) throw new FaultScriptError('invalid', mistakes.join('\n'));
  return rules as FaultScript;
}

/** Undefined: as it should be; otherwise what it should be. */
type Check = (value: unknown) => string | undefined;
/** Per field; those in `optional` may be absent. */
type Shape<Fields> = { readonly [Name in keyof Required<Fields>]: Check };

const isCount: Check = (value) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? undefined : 'a whole number';
const isText: Check = (value) => (typeof value === 'string' ? undefined : 'a text');
const isStatus: Check = (value) =>
  Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599
    ? undefined
    : 'an HTTP status, 200 to 599';

function oneOf<Word extends string>(...words: readonly Word[]): Check {
  return (value) =>
    words.some((word) => word === value) ? undefined : `one of ${words.join(', ')}`;
}

function optional(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value));
}

const isPoint = oneOf<FaultPoint>('request', 'upload', 'reply', 'download');

type ActOf<Kind extends FaultAct['do']> = Omit<Extract<FaultAct, { do: Kind }>, 'do'>;

const actShapes = {
  delay: { delayMs: isCount },
  error: {
    status: isStatus,
    code: isText,
    message: optional(isText),
    when: optional(oneOf('before-body', 'after-body')),
  },
  reset: { at: isPoint, afterBytes: optional(isCount) },
  hang: { at: isPoint, afterBytes: optional(isCount), limitMs: optional(isCount) },
  cut: { afterBytes: isCount },
  'flip-in': { atByte: optional(isCount) },
  'flip-out': { atByte: optional(isCount) },
  'wrong-crc': {},
  'omit-crc': {},
  'wrong-etag': {},
  'error-in-200': {
    code: isText,
    message: optional(isText),
    work: optional(oneOf('skipped', 'done')),
  },
  drip: { dripMs: isCount },
  answer: { status: isStatus, body: isText, contentType: optional(isText) },
} satisfies { readonly [Kind in FaultAct['do']]: Shape<ActOf<Kind>> };

const ruleShape = {
  operation: optional(oneOf<Operation>(...operations)),
  key: optional(isText),
  nth: optional((value) => (value === 0 ? 'a whole number from 1' : isCount(value))),
  times: optional((value) =>
    value === 'always' || (value !== 0 && !isCount(value))
      ? undefined
      : 'a number from 1, or "always"',
  ),
  act: (value) => (isObject(value) ? undefined : 'an object with the word "do"'),
} satisfies Shape<FaultRule>;

function mistakesIn(rule: unknown, place: string): readonly string[] {
  if (!isObject(rule)) return [`${place}: must be an object`];
  const mistakes = fieldMistakes(rule, ruleShape, place);
  const { act } = rule as { readonly act?: unknown };
  if (!isObject(act)) return mistakes;
  const { do: kind, ...fields } = act as { readonly do?: unknown };
  const wrongKind = oneOf(...Object.keys(actShapes))(kind);
  if (wrongKind) return [...mistakes, `${place}: act.do must be ${wrongKind}`];
  const shape = actShapes[kind as FaultAct['do']];
  return [...mistakes, ...fieldMistakes(fields, shape, `${place}: act`)];
}

function fieldMistakes(
  fields: object,
  shape: Readonly<Record<string, Check>>,
  place: string,
): readonly string[] {
  const unknown = Object.keys(fields)
    .filter((name) => !Object.hasOwn(shape, name))
    .map((name) => `${place}: unknown word ${name}`);
  const values: Readonly<Record<string, unknown>> = { ...fields };
  const wrong = Object.entries(shape).flatMap(([name, check]) => {
    const expected = check(values[name]);
    return expected === undefined ? [] : [`${place}: ${name} must be ${expected}`];
  });
  return [...unknown, ...wrong];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
