/**
 * Tells in a sentence that Node is too old, before a `.ts` file meets a Node that cannot read it. Must
 * itself run on any Node from 14 on: no newer syntax here.
 */
import { readFileSync } from 'node:fs';

const packageFile = new URL('../package.json', import.meta.url);

/** Runs `start` when this Node is new enough; otherwise the process ends with 2 after one sentence. */
export function withRightNode(start) {
  const needed = JSON.parse(readFileSync(packageFile, 'utf8')).engines.node.replace('>=', '');
  if (isAtLeast(process.versions.node, needed)) {
    start();
    return;
  }
  process.stderr.write(
    'This needs Node.js ' +
      needed +
      ' or newer and was started with ' +
      process.versions.node +
      '. Run `npm install` here once: it brings the right one along, and `npm start`, `npm test` and ' +
      '`npx cos-ftp-gateway` then use it.\n',
  );
  process.exitCode = 2;
}

/** `24.3.0` is not at least `24.12`. */
export function isAtLeast(version, needed) {
  const have = version.split('.').map(Number);
  const want = needed.split('.').map(Number);
  for (let place = 0; place < want.length; place++) {
    if (have[place] !== want[place]) return have[place] > want[place];
  }
  return true;
}
