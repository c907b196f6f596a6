/**
 * Plays scheduler and kubelet for one namespace of a control plane without nodes: binds every pod, tells
 * that it runs and is ready, and lets it go as soon as it is deleted.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ControlPlane } from './control-plane.ts';

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { name: string }[] };
  readonly status: { readonly phase: string };
}

const nodeName = 'fake-node';

export interface FakeKubelet extends AsyncDisposable {
  /** Whether a pod that is told to end may do so; until then it drains. Default: at once. */
  mayEnd: (pod: string) => boolean;
}

export async function startFakeKubelet(
  { call }: ControlPlane,
  namespace: string,
): Promise<FakeKubelet> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } };
  // Several namespaces share the node.
  await call('POST', '/api/v1/nodes', node).catch(() => call('GET', `/api/v1/nodes/${nodeName}`));
  let ends = false;
  let runs = 0;
  const step = async ({ metadata, spec, status }: Pod) => {
    const path = `${pods}/${metadata.name}`;
    if (metadata.deletionTimestamp !== undefined) {
      if (kubelet.mayEnd(metadata.name)) await call('DELETE', `${path}?gracePeriodSeconds=0`);
    } else if (spec.nodeName === undefined) {
      await call('POST', `${path}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: metadata.name },
        target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
      });
    } else if (status.phase !== 'Running') {
      runs += 1;
      const body = { status: runningStatus(spec.containers, `10.244.0.${1 + (runs % 250)}`) };
      await call('PATCH', `${path}/status`, body, 'application/strategic-merge-patch+json');
    }
  };
  const look = async () => {
    const { items } = await call<{ items: Pod[] }>('GET', pods);
    // A pod may change or go between the look and the step: the next look sees it.
    await Promise.allSettled(items.map(step));
  };
  const loop = async () => {
    while (!ends) {
      // A kubelet outlives its API server.
      await Promise.allSettled([look()]);
      await pause(50);
    }
  };
  const running = loop();
  const kubelet: FakeKubelet = {
    mayEnd: () => true,
    async [Symbol.asyncDispose]() {
      ends = true;
      await running;
    },
  };
  return kubelet;
}

function runningStatus(containers: readonly { name: string }[], podIP: string) {
  const startedAt = `${new Date().toISOString().slice(0, 19)}Z`;
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: startedAt,
    })),
    containerStatuses: containers.map(({ name }) => ({
      name,
      ready: true,
      started: true,
      restartCount: 0,
      image: 'example.test/image:1',
      imageID: '',
      state: { running: { startedAt } },
    })),
  };
}
