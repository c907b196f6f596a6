/**
 * A transfer that a user breaks off with Ctrl-C, at a point that does not depend on speed: an upload
 * whose source goes silent, a download whose reader stops reading.
 */
import { constants, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { type RunningCommand, runCommand } from './command.ts';

/** Feeds an upload through a pipe of the command (default its standard input), then interrupts it. */
export async function interruptUpload(
  command: RunningCommand,
  localFile: string,
  underWay: () => Promise<void>,
  source: Writable = command.child.stdin,
): Promise<void> {
  source.on('error', () => {}); // the command closes its end when it is interrupted
  source.write(await readFile(localFile));
  await Promise.race([underWay(), command.end]);
  await interrupt(command);
  source.destroy();
}

/** Reads a download from a pipe of the command (default its standard output), then interrupts it. */
export async function interruptDownload(
  command: RunningCommand,
  leastBytes: number,
  sink: Readable = command.child.stdout,
): Promise<void> {
  await Promise.race([readAtLeast(sink, leastBytes), command.end]);
  await interrupt(command);
  sink.destroy();
}

async function readAtLeast(stream: Readable, leastBytes: number): Promise<void> {
  let bytes = 0;
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('end', () => reject(new Error(`the download ended after ${bytes} bytes`)));
    stream.on('data', function take(chunk: Buffer) {
      bytes += chunk.length;
      if (bytes < leastBytes) return;
      stream.off('data', take);
      stream.pause();
      resolve();
    });
  });
}

/** As Ctrl-C does. The command is over when this resolves; its exit code is its own business. */
async function interrupt({ child, end }: RunningCommand): Promise<void> {
  const over = end.then(
    () => {},
    () => {},
  );
  child.kill('SIGINT');
  child.stdout.resume();
  child.stdin.end();
  await over;
}

/** Our end of a new named pipe, for clients whose standard input is their command line. */
export async function makePipe(path: string, end: 'readable' | 'writable'): Promise<Socket> {
  await runCommand('mkfifo', [path]);
  // Opened for both, so that opening waits for nobody; a readable socket would take what it wrote.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: end === 'readable', writable: end === 'writable' });
}
