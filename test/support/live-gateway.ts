/**
 * One FtpGateway on a control plane and everything made for it, as a person with kubectl sees it. The
 * test plays the cloud: `giveAddress`.
 */
import { shortHash } from '#operator/plan/hash.ts';
import type { ControlPlane } from './control-plane.ts';

/** What tests look at in any object. */
export interface LiveObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: { readonly ports?: readonly { readonly port: number }[] };
}

export interface LiveStatus {
  readonly address?: string;
  readonly replicas?: number;
  readonly conditions?: readonly {
    type: string;
    status: string;
    reason: string;
    message: string;
  }[];
  readonly shards?: readonly { name: string; phase: string }[];
}

const groups = {
  serviceaccounts: 'api/v1',
  configmaps: 'api/v1',
  services: 'api/v1',
  statefulsets: 'apis/apps/v1',
  poddisruptionbudgets: 'apis/policy/v1',
  networkpolicies: 'apis/networking.k8s.io/v1',
  pods: 'api/v1',
} as const;

export type ChildResource = keyof typeof groups;
export const childResources = Object.keys(groups) as readonly ChildResource[];

/** What a user writes; four ports a shard keep it short. */
export const liveSpec = {
  cos: {
    bucket: 'inbox-1250000000',
    region: 'ap-guangzhou',
    credentialsSecret: { name: 'cos-key' },
  },
  accountsSecret: { name: 'accounts' },
  accounts: [{ user: 'alice', prefix: 'alice/' }],
  passivePorts: { start: 61_000, perShard: 4 },
  drainSeconds: 5,
};

export class LiveGateway {
  readonly #plane: ControlPlane;
  readonly #namespace: string;
  readonly #name: string;

  constructor(plane: ControlPlane, namespace: string, name = 'files') {
    this.#plane = plane;
    this.#namespace = namespace;
    this.#name = name;
  }

  /** URL path of the resource. */
  get path(): string {
    return `${gatewaysPath(this.#namespace)}/${this.#name}`;
  }

  /** URL path of all objects of a kind in its namespace, or of one of them. */
  pathOf(resource: ChildResource, name?: string): string {
    const all = `/${groups[resource]}/namespaces/${this.#namespace}/${resource}`;
    return name === undefined ? all : `${all}/${name}`;
  }

  async create(spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.#plane.call('POST', gatewaysPath(this.#namespace), {
      apiVersion: 'cosftp.io/v1alpha1',
      kind: 'FtpGateway',
      metadata: { name: this.#name },
      spec: { ...liveSpec, ...spec },
    });
  }

  async delete(): Promise<void> {
    await this.#plane.call('DELETE', this.path);
  }

  async patch(path: string, body: unknown): Promise<void> {
    await this.#plane.call('PATCH', path, body, 'application/merge-patch+json');
  }

  async patchSpec(spec: Readonly<Record<string, unknown>>): Promise<void> {
    await this.patch(this.path, { spec });
  }

  /** As `kubectl scale` does. */
  async scale(replicas: number): Promise<void> {
    await this.patch(`${this.path}/scale`, { spec: { replicas } });
  }

  /** What the cloud does. */
  async giveAddress(ip: string): Promise<void> {
    const status = { loadBalancer: { ingress: [{ ip }] } };
    await this.patch(`${this.pathOf('services', this.#name)}/status`, { status });
  }

  async status(): Promise<LiveStatus> {
    return (await this.#plane.call<{ status?: LiveStatus }>('GET', this.path)).status ?? {};
  }

  async condition(type: string) {
    return (await this.status()).conditions?.find((condition) => condition.type === type);
  }

  async isReady(): Promise<boolean> {
    return (await this.condition('Ready'))?.status === 'True';
  }

  /**
   * Whether everything is as it will stay: so many shards with a pod each, ports for them and a spare
   * slice, all told the address and the configuration, and the status says so.
   */
  async isSettled(replicas: number, address: string): Promise<boolean> {
    const [shards, pods, services, told] = await Promise.all([
      this.list('statefulsets'),
      this.list('pods'),
      this.list('services'),
      this.toldAddresses(),
    ]);
    const ports = services[0]?.spec.ports?.length;
    const status = await this.status();
    return (
      shards.length === replicas &&
      pods.length === replicas &&
      told.every((one) => one === address) &&
      ports === 1 + (replicas + 1) * liveSpec.passivePorts.perShard &&
      status.address === address &&
      status.shards?.length === replicas &&
      (await this.isReady()) &&
      (await this.isConfigTold())
    );
  }

  /** Objects of the kind that carry the label of this gateway. */
  async list(resource: ChildResource): Promise<readonly LiveObject[]> {
    const selector = `?labelSelector=cosftp.io%2Fgateway%3D${this.#name}`;
    const path = this.pathOf(resource) + selector;
    return (await this.#plane.call<{ items: LiveObject[] }>('GET', path)).items;
  }

  async names(resource: ChildResource): Promise<readonly string[]> {
    return (await this.list(resource)).map(({ metadata }) => metadata.name).toSorted();
  }

  /** The address each pod was told. */
  async toldAddresses(): Promise<readonly (string | undefined)[]> {
    return this.#podAnnotations('cosftp.io/masquerade-address');
  }

  async toldConfigHashes(): Promise<readonly (string | undefined)[]> {
    return this.#podAnnotations('cosftp.io/config-hash');
  }

  /** Whether every pod was told twice of the present configuration. */
  async isConfigTold(): Promise<boolean> {
    const [configMap] = await this.list('configmaps');
    const present = shortHash(configMap?.data?.['gateway.json']);
    return (await this.toldConfigHashes()).every((hash) => hash === present);
  }

  /** Versions of the resource and everything made for it: equal ones mean that nobody wrote. */
  async versions(): Promise<readonly string[]> {
    const all = await Promise.all(childResources.map((resource) => this.list(resource)));
    const own = await this.#plane.call<LiveObject>('GET', this.path);
    return [own, ...all.flat()].map(
      ({ metadata }) => `${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`,
    );
  }

  async #podAnnotations(name: string): Promise<readonly (string | undefined)[]> {
    return (await this.list('pods')).map(({ metadata }) => metadata.annotations?.[name]);
  }
}

/** URL path of all gateways of a namespace. */
export function gatewaysPath(namespace: string): string {
  return `/apis/cosftp.io/v1alpha1/namespaces/${namespace}/ftpgateways`;
}
