/**
 * Makes a thrown value readable in one log line: what failed (kind, COS code, request id) and the chain
 * of causes. A stack is written only for what nobody expected, because an expected failure is explained
 * by its kind and a stack would only bury it.
 */

/** Causes followed below the error itself; a longer chain is cut. */
const causesMax = 5;

const detailNames = [
  'message',
  'kind',
  'code',
  'requestId',
  'httpStatus',
  'syscall',
  'address',
  'port',
  'hint',
];

export type StackPolicy = 'unexpected' | 'always';

/** @param error anything thrown; SDK network failures are plain objects, not Errors. */
export function errorFields(error: unknown, stacks: StackPolicy): Record<string, unknown> {
  return describe(error, stacks, causesMax);
}

function describe(
  error: unknown,
  stacks: StackPolicy,
  causesLeft: number,
): Record<string, unknown> {
  if (typeof error !== 'object' || error === null) return { message: String(error) };
  const source = error as Readonly<Record<string, unknown>>;
  const fields: Record<string, unknown> = {};
  if (error instanceof Error) fields['type'] = error.name;
  for (const name of detailNames) {
    const value = source[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  if (error instanceof AggregateError) fields['errors'] = error.errors.length;
  if (error instanceof Error && (stacks === 'always' || isUnexpected(error))) {
    fields['stack'] = error.stack;
  }
  const { cause } = source;
  if (cause !== undefined && causesLeft > 0) {
    fields['cause'] = describe(cause, stacks, causesLeft - 1);
  }
  return fields;
}

/** Our errors carry a kind, the system's a code; what has neither, or is a TypeError, is a defect. */
function isUnexpected(error: Error): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return !('kind' in error) && !('code' in error) && !(error.name === 'AbortError');
}
