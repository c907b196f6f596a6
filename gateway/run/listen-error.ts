/** Why a port could not be opened, in the words of the person who chose it. Pure. */
import { RunError, type RunErrorKind } from './errors.ts';

/** What was chosen, and by which words: `listen_port`, `--port`. */
export interface ListenChoice {
  readonly host: string;
  readonly port: number;
  readonly hostWord: string;
  readonly portWord: string;
}

interface Failure {
  readonly kind: RunErrorKind;
  readonly reason: string;
  readonly hint: (choice: ListenChoice) => string;
}

const foreignAddress: Failure = {
  kind: 'not-bindable',
  reason: 'this machine has no such address',
  hint: ({ hostWord }) => `Choose one of its own as ${hostWord}; 0.0.0.0 means all of them.`,
};

/** By the codes of listen(2) and of the resolver. */
const failures: Readonly<Record<string, Failure>> = {
  EADDRINUSE: {
    kind: 'port-taken',
    reason: 'the port is in use',
    hint: ({ portWord }) => `Stop the program that uses it, or choose another ${portWord}.`,
  },
  EACCES: {
    kind: 'not-bindable',
    reason: 'this user may not open the port',
    hint: ({ portWord }) =>
      `Choose a ${portWord} above 1023, or give the process the right to open low ports.`,
  },
  EADDRNOTAVAIL: foreignAddress,
  ENOTFOUND: foreignAddress,
  EAI_AGAIN: foreignAddress,
  EAFNOSUPPORT: {
    kind: 'not-bindable',
    reason: 'this machine has no IPv6',
    hint: ({ hostWord }) => `Choose 0.0.0.0 as ${hostWord}, for all IPv4 addresses.`,
  },
};

/** @returns a RunError, or the cause as it is when it is about something else. */
export function listenError(cause: unknown, choice: ListenChoice): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const failure = Object.hasOwn(failures, code) ? failures[code] : undefined;
  if (!failure) return cause;
  const { host, port, hostWord, portWord } = choice;
  const place = `${hostWord} ${host}, ${portWord} ${port}`;
  return new RunError(failure.kind, `${place}: ${failure.reason}`, {
    cause,
    hint: failure.hint(choice),
  });
}
