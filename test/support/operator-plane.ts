/**
 * A control plane on which the operator can run: the FtpGateway resource is served, namespaces enforce
 * `restricted` and have a kubelet of the test, and there is an account with the operator's own rights.
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { until } from './condition.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { type FakeKubelet, startFakeKubelet } from './fake-kubelet.ts';
import { gatewaysPath } from './live-gateway.ts';
import { type OperatorProcess, startOperator } from './operator.ts';
import { grantOperator } from './operator-rights.ts';
import { startTcpRelay, type TcpRelay } from './tcp-relay.ts';

const crdFile = new URL('../../crds/cosftp.io_ftpgateways.yaml', import.meta.url);
const crdsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export interface OperatorPlane extends AsyncDisposable {
  readonly plane: ControlPlane;
  /** Of an account that may do what operator/api/permissions.ts says, no more. */
  readonly kubeconfig: string;
  /** Makes a namespace; its pods run until the kubelet is disposed of, with everything else. */
  addNamespace(name: string): Promise<FakeKubelet>;
  /** Between operator and API server. */
  readonly relay: TcpRelay;
  /** Looks at everything once a second, whatever is reported. @param args added to the options. */
  startOperator(...args: readonly string[]): Promise<OperatorProcess>;
}

/** Takes some seconds. */
export async function startOperatorPlane(): Promise<OperatorPlane> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await startControlPlane());
  await plane.call('POST', crdsPath, parse(await readFile(crdFile, 'utf8')));
  const isServed = () =>
    plane.call('GET', gatewaysPath('default')).then(
      () => true,
      () => false,
    );
  await until('the resource to be served', isServed, 30_000);
  const { port } = plane.apiServer;
  const relay = stack.use(await startTcpRelay({ host: '127.0.0.1', port }));
  const kubeconfig = await grantOperator(plane, { namespace: 'default', port: relay.port });
  const owned = stack.move();
  return {
    plane,
    kubeconfig,
    relay,
    async addNamespace(name) {
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await plane.call('POST', '/api/v1/namespaces', { metadata: { name, labels } });
      return owned.use(await startFakeKubelet(plane, name));
    },
    async startOperator(...args) {
      const usual = [
        '--gateway-image=example.test/cos-ftp-gateway:1',
        '--metrics-port=0',
        '--probe-port=0',
        '--resync-seconds=1',
        '--lease-namespace=default',
      ];
      return startOperator({ args: [...usual, ...args], env: { KUBECONFIG: kubeconfig } });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
