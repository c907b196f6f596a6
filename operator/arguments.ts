/**
 * argv and environment → the operator's settings. Pure: prints nothing, reads nothing. Each option's help,
 * default and variable are part of its row, so that a word cannot exist without being explained.
 */
import { parseArgs } from 'node:util';
import { repositoryOf } from '#operator/plan/images.ts';

interface OptionSpec {
  /** Shown after the name in help, for example `PORT`. */
  readonly value: string;
  readonly default: string;
  readonly help: string;
}

const optionSpecs = {
  'gateway-image': {
    value: 'IMAGE',
    default: '',
    help: 'image of the gateways it makes, repository:tag or @digest; required',
  },
  'gateway-image-pull-policy': {
    value: 'POLICY',
    default: 'IfNotPresent',
    help: 'Always, IfNotPresent or Never',
  },
  'allowed-repositories': {
    value: 'LIST',
    default: '',
    help: "comma separated; images of gateways come from these only (empty: the gateway image's own)",
  },
  'watch-namespaces': {
    value: 'LIST',
    default: '',
    help: 'comma separated; gateways are looked for in these only (empty: in all)',
  },
  'metrics-port': { value: 'PORT', default: '8080', help: '/metrics' },
  'probe-port': { value: 'PORT', default: '8081', help: '/healthz and /readyz; 0: any free one' },
  'leader-election': {
    value: 'on|off',
    default: 'on',
    help: 'off only for one operator run by hand: two would write against each other',
  },
  'lease-name': {
    value: 'NAME',
    default: 'cos-ftp-gateway-operator',
    help: 'the Lease that the leader holds',
  },
  'lease-namespace': {
    value: 'NAME',
    default: '',
    help: 'where that Lease is (empty: the namespace of the pod, or of the kubeconfig context)',
  },
  workers: { value: 'COUNT', default: '4', help: 'gateways worked on at the same time' },
  'resync-seconds': {
    value: 'SECONDS',
    default: '300',
    help: 'every gateway is looked at again after this long, whatever was or was not reported',
  },
  'log-level': { value: 'LEVEL', default: 'info', help: 'debug, info, warn or error' },
} as const satisfies Record<string, OptionSpec>;

type OptionName = keyof typeof optionSpecs;
type Values = Record<OptionName, string>;

const pullPolicies = ['Always', 'IfNotPresent', 'Never'] as const;
const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export interface OperatorOptions {
  readonly gatewayImage: string;
  readonly gatewayImagePullPolicy: (typeof pullPolicies)[number];
  /** Never empty. */
  readonly allowedRepositories: readonly string[];
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  readonly metricsPort: number;
  readonly probePort: number;
  readonly leaderElection: 'on' | 'off';
  readonly leaseName: string;
  /** Absent: the namespace of the pod, or of the kubeconfig context. */
  readonly leaseNamespace?: string;
  readonly workers: number;
  readonly resyncMs: number;
  readonly logLevel: (typeof logLevels)[number];
}

export type ParsedArguments =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** Every problem, not only the first. */
  | { readonly kind: 'usage-error'; readonly problems: readonly string[] }
  | { readonly kind: 'run'; readonly options: OperatorOptions };

type Environment = Readonly<Record<string, string | undefined>>;

/** `--metrics-port` → `COSFTP_OPERATOR_METRICS_PORT`. */
export function variableOf(option: string): string {
  return `COSFTP_OPERATOR_${option.replaceAll('-', '_').toUpperCase()}`;
}

/** An option given beats its variable, which beats the default. An empty variable counts as not set. */
export function parseArguments(argv: readonly string[], env: Environment): ParsedArguments {
  const names = Object.keys(optionSpecs) as OptionName[];
  const specs = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const flags = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  } as const;
  let given: Record<string, unknown>;
  try {
    const parsed = parseArgs({ args: [...argv], options: { ...specs, ...flags }, strict: true });
    given = parsed.values;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { kind: 'usage-error', problems: [problem] };
  }
  if (given['help'] === true) return { kind: 'help' };
  if (given['version'] === true) return { kind: 'version' };
  const values = Object.fromEntries(
    names.map((name) => [
      name,
      given[name] ?? (env[variableOf(name)] || optionSpecs[name].default),
    ]),
  ) as Values;
  return check(values);
}

function check(values: Values): ParsedArguments {
  const problems: string[] = [];
  const integer = (name: OptionName, least: number, most: number) => {
    const text = values[name];
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    problems.push(`--${name} is "${text}", not a whole number from ${least} to ${most}`);
    return least;
  };
  const oneOf = <Word extends string>(name: OptionName, words: readonly Word[]): Word => {
    const found = words.find((word) => word === values[name]);
    if (found === undefined) {
      problems.push(`--${name} is "${values[name]}", not one of ${words.join(', ')}`);
    }
    return found ?? (words[0] as Word);
  };
  const gatewayImage = values['gateway-image'];
  if (gatewayImage === '') {
    problems.push('--gateway-image is missing: the image of the gateways, repository:tag');
  }
  const allowed = list(values['allowed-repositories']);
  const options: OperatorOptions = {
    gatewayImage,
    gatewayImagePullPolicy: oneOf('gateway-image-pull-policy', pullPolicies),
    allowedRepositories: allowed.length > 0 ? allowed : [repositoryOf(gatewayImage)],
    watchNamespaces: list(values['watch-namespaces']),
    metricsPort: integer('metrics-port', 0, 65_535),
    probePort: integer('probe-port', 0, 65_535),
    leaderElection: oneOf('leader-election', ['on', 'off']),
    leaseName: values['lease-name'],
    ...(values['lease-namespace'] !== '' && { leaseNamespace: values['lease-namespace'] }),
    workers: integer('workers', 1, 64),
    resyncMs: integer('resync-seconds', 1, 86_400) * 1000,
    logLevel: oneOf('log-level', logLevels),
  };
  return problems.length > 0 ? { kind: 'usage-error', problems } : { kind: 'run', options };
}

function list(text: string): string[] {
  const words = text.split(',').map((word) => word.trim());
  return [...new Set(words.filter((word) => word !== ''))];
}

/** The text of `--help`. */
export function helpText(): string {
  const rows = Object.entries(optionSpecs).flatMap(([name, spec]: [string, OptionSpec]) => [
    `  --${name} ${spec.value}`,
    `      ${spec.help}`,
    `      ${variableOf(name)}${spec.default === '' ? '' : `, default ${spec.default}`}`,
  ]);
  return [
    'Runs FTP gateways on Kubernetes: one for each FtpGateway resource (cosftp.io/v1alpha1).',
    '',
    'Usage: cos-ftp-gateway-operator --gateway-image IMAGE [OPTIONS]',
    '',
    'For each resource it keeps a Service, one StatefulSet per shard with its own passive ports, a',
    'ConfigMap and a few smaller objects as the resource says, tells the running gateways the address',
    'under which the Service is reached, and writes what it sees to the status of the resource:',
    '  kubectl get ftpgw',
    '  kubectl describe ftpgw NAME',
    'It reads no Secret: it mounts them by name. Deleting a resource deletes what was made for it.',
    '',
    'Inside a cluster it uses its ServiceAccount, outside the file that KUBECONFIG names (or',
    '~/.kube/config). The custom resource must be installed: kubectl apply -f crds/',
    '',
    'Options, each also as an environment variable:',
    ...rows,
    '  -h, --help',
    '  --version',
    '',
    'By hand against a cluster, one operator only:',
    '  KUBECONFIG=… cos-ftp-gateway-operator --gateway-image example.test/cos-ftp-gateway:1 \\',
    '    --watch-namespaces my-namespace --leader-election off',
    '',
    'Exit codes: 0 told to stop, 1 failed or no longer the leader, 2 wrong options.',
  ].join('\n');
}
