/** Where commands write to people. The gateway's own events go to the log, never here. */

export interface Terminal {
  /** One or more lines to standard output. */
  print(text: string): void;
  /** One or more lines to standard error. */
  printError(text: string): void;
  /** Everything on standard input, at most `bytesMax`. */
  readInput(bytesMax: number): Promise<string>;
  /** Whether a person reads standard output. */
  readonly isInteractive: boolean;
}

export const processTerminal: Terminal = {
  print: (text) => void process.stdout.write(`${text}\n`),
  printError: (text) => void process.stderr.write(`${text}\n`),
  readInput: readProcessInput,
  isInteractive: process.stdout.isTTY === true,
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
