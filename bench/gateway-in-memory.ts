/**
 * The gateway with its store in the same process: the cost of everything but the store. The composition
 * root is the real one; its log goes nowhere.
 */
import { parseConfigText } from '#gateway/config/load.ts';
import { systemClock } from '#gateway/kit/clock.ts';
import { createLog } from '#gateway/observe/log.ts';
import { startGateway } from '#gateway/run/gateway.ts';
import { gatewayWords } from './contender.ts';
import { InstantStore } from './instant-store.ts';

const { config } = parseConfigText({
  source: {
    format: 'yaml',
    name: 'bench',
    text: JSON.stringify(await gatewayWords(1)),
    directory: '/',
  },
  env: {},
  cwd: '/',
});
const logging = createLog({ level: 'info', stdout: 'json', clock: systemClock });
const gateway = await startGateway({
  config,
  clock: systemClock,
  log: logging.log,
  env: {},
  createStore: () => new InstantStore(),
});
process.send?.({ ftpPort: gateway.ftpPort });
for (const end of ['disconnect', 'SIGINT'] as const) process.once(end, () => process.exit());
