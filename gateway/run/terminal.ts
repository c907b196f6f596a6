/** Where commands write to people. The gateway's own events go to the log, never here. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';

export interface Terminal {
  /** One or more lines to standard output; nowhere once that terminal is closed. */
  print(text: string): void;
  /** One or more lines to standard error. */
  printError(text: string): void;
  /** Everything on standard input. @throws when it is more than `bytesMax`. */
  readInput(bytesMax: number): Promise<string>;
  /** One line that is typed and not shown; empty when the person gives up. Needs `canAsk`. */
  askUnseen(question: string): Promise<string>;
  /** Whether a person types standard input. */
  readonly canAsk: boolean;
  /** Whether a person reads standard output. */
  readonly isInteractive: boolean;
  /** Whether that person's terminal was closed since. */
  readonly isClosed: boolean;
}

export const processTerminal: Terminal = {
  print(text) {
    if (!processTerminal.isClosed) process.stdout.write(`${text}\n`);
  },
  printError: (text) => void process.stderr.write(`${text}\n`),
  readInput: readProcessInput,
  askUnseen,
  canAsk: process.stdin.isTTY === true,
  isInteractive: process.stdout.isTTY === true,
  get isClosed() {
    // The descriptor of a closed terminal stays open and answers no request of a terminal any more.
    return process.stdout.isTTY === true && !isatty(1);
  },
};

async function readProcessInput(bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const piece = Buffer.from(chunk as Uint8Array);
    bytes += piece.length;
    if (bytes > bytesMax) throw new Error(`more than ${bytesMax} bytes on standard input`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The line editor echoes to a stream that goes nowhere; the question is written past it. */
async function askUnseen(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const editor = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(question); // only now: the terminal shows nothing any more
  try {
    return await new Promise<string>((resolve) => {
      editor.once('line', resolve);
      editor.once('close', () => resolve('')); // Ctrl-C, Ctrl-D
    });
  } finally {
    editor.close();
    process.stderr.write('\n');
  }
}
