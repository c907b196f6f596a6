/**
 * An embedded COS in a process of its own that holds many small objects: `fork` it with pairs of a
 * directory and how many files lie in it. It tells its port once they are there, and ends with its parent.
 */
import { startTestCosd } from './cosd.ts';

function* keys(): Generator<string> {
  for (let argument = 2; argument + 1 < process.argv.length; argument += 2) {
    const directory = process.argv[argument] ?? '';
    for (let index = 0; index < Number(process.argv[argument + 1]); index++) {
      yield `${directory}/file-${String(index).padStart(7, '0')}.bin`;
    }
  }
}

const cosd = await startTestCosd();
cosd.inspect.fill(cosd.bucket, keys(), 'x');
process.on('disconnect', () => process.exit());
process.send?.({ port: cosd.port });
