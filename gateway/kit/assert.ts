/**
 * Programmer errors. An assertion that fails means our own code is wrong, never that a client, COS or
 * the network misbehaved; it ends the session or the process and is not translated into a reply.
 */

export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** For the default branch of a switch over a union: a new member fails to compile here. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unexpected value ${JSON.stringify(value)}`);
}
