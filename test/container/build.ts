/**
 * Builds both images before the container suite, whose files run side by side and must never meet an
 * image of an earlier state. Prints sizes and times.
 */
import { join } from 'node:path';
import { docker } from './docker.ts';
import { gatewayImage, operatorImage } from './images.ts';

const root = join(import.meta.dirname, '../..');
const baseImage = 'node:24-bookworm-slim';

async function build(target: string, tag: string): Promise<void> {
  const beganMs = performance.now();
  await docker('build', '--network', 'host', '--target', target, '--tag', tag, root);
  const bytes = await sizeOf(tag);
  const addedBytes = bytes - (await sizeOf(baseImage));
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
  process.stdout.write(
    `image ${tag}: ${mib(bytes)}, ${mib(addedBytes)} over its base, built in ${seconds} s\n`,
  );
}

async function sizeOf(tag: string): Promise<number> {
  return Number(await docker('image', 'inspect', '--format', '{{.Size}}', tag));
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}

await build('gateway', gatewayImage);
await build('operator', operatorImage);
