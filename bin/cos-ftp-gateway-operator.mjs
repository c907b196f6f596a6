#!/usr/bin/env -S node --max-semi-space-size=4
/** The operator's entry: looks at the Node version and hands over to operator/main.ts. */
import { withRightNode } from './node-version.mjs';

withRightNode(async () => {
  // As for the gateway: compiled code of an earlier start saves the type stripper.
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  await import('../operator/main.ts');
});
