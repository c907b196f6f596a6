/**
 * The whole product on a real cluster, as its users meet it: helm install, kubectl apply, an FTP client
 * outside. `npm run test:e2e`; test/e2e/cluster.ts says what it needs, and .ci/cluster-suite makes a
 * cluster for it. The steps build on each other, in this order.
 */
import { after, describe } from 'node:test';
import { accountSteps } from './account-steps.ts';
import { addressSteps } from './address-steps.ts';
import { bucketSteps } from './bucket-steps.ts';
import { helm, kubectl } from './cluster.ts';
import { faultSteps } from './fault-steps.ts';
import { namespace } from './gateways.ts';
import { installSteps } from './install-steps.ts';
import { metricsSteps } from './metrics-steps.ts';
import { operatorNamespace, release } from './operator.ts';
import { removalSteps } from './removal-steps.ts';
import { refusalSteps, repairSteps } from './repair-steps.ts';
import { scaleSteps } from './scale-steps.ts';

describe('on a cluster', () => {
  after(async () => {
    if (process.env['E2E_KEEP']) return;
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s');
    await helm('uninstall', release, '-n', operatorNamespace, '--ignore-not-found');
  });

  installSteps();
  addressSteps();
  scaleSteps();
  accountSteps();
  refusalSteps();
  repairSteps();
  metricsSteps();
  faultSteps();
  bucketSteps();
  removalSteps();
});
