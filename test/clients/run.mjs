/** `npm run test:clients`: looks at the Node version and hands over to run.ts. */
import { withRightNode } from '../../bin/node-version.mjs';

withRightNode(() => import('./run.ts'));
