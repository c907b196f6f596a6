/**
 * A gateway in a process of its own, so that its memory can be seen, in front of an embedded COS in this
 * one. Linux only.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestCosd, type TestCosd } from './cosd.ts';
import { readMetric } from './gateway.ts';
import { gatewayWords } from './gateway-words.ts';
import { freePortRange } from './port-range.ts';
import { type Program, type ProgramOptions, startProgram } from './program.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export interface GatewayProgram extends AsyncDisposable {
  readonly program: Program;
  readonly cosd: TestCosd;
  readonly port: number;
  /** A sample of /metrics, by its name and labels as they stand there; NaN when there is none. */
  metric(sample: string): Promise<number>;
}

const passivePorts = 8;

/** @param words of the configuration, besides the test's own. */
export async function startGatewayProgram(
  words: Readonly<Record<string, unknown>> = {},
  options: Pick<ProgramOptions, 'under'> = {},
): Promise<GatewayProgram> {
  await using opened = new AsyncDisposableStack();
  const directory = opened.use(await temporaryDirectory());
  const cosd = await startTestCosd();
  opened.defer(() => cosd.close());
  const config = join(directory.path, 'gateway.json');
  const { first, last } = await freePortRange(passivePorts);
  await writeFile(
    config,
    JSON.stringify(gatewayWords(cosd, { passive_port: `${first}-${last}`, ...words })),
  );
  const program = opened.use(
    await startProgram({
      args: ['serve', '--config', config],
      cwd: directory.path,
      ...options,
    }),
  );
  const running = opened.move();
  return {
    program,
    cosd,
    port: Number(program.listening['ftp_port']),
    metric: (sample) => readMetric(Number(program.listening['admin_port']), sample),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
