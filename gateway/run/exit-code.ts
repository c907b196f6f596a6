/** What the process says to whoever started it; part of the command-line contract. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  /** Wrong arguments or a configuration that cannot be used. */
  usage: 2,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
