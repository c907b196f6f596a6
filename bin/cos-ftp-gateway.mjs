#!/usr/bin/env -S node --max-semi-space-size=4
/**
 * The program's entry: looks at the Node version and hands over to gateway/main.ts.
 *
 * The flag above (npm start and the image give it too) keeps the young generation small: file contents
 * never pass through it, so the default of 16 MiB a half space would only be resident for nothing.
 */
import { withRightNode } from './node-version.mjs';

withRightNode(async () => {
  // With compiled code from an earlier start the type stripper (24 MiB) is not loaded at all. A cache that
  // cannot be written is not used; NODE_COMPILE_CACHE chooses its place.
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  await import('../gateway/main.ts');
});
