/** The gateway broke a promise; nothing else is thrown on purpose by the fuzzer. */
export class Violation extends Error {
  override readonly name = 'Violation';
}
