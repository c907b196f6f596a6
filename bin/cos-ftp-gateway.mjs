#!/usr/bin/env node
/** The program's entry: looks at the Node version and hands over to gateway/main.ts. */
import { withRightNode } from './node-version.mjs';

withRightNode(() => import('../gateway/main.ts'));
