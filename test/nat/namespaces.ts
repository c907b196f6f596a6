/**
 * Three network namespaces in a row: a client, a NAT that forgets idle connections, a server. Needs root,
 * iproute2 and nft; touches nothing outside its own namespaces, which are gone at the end.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface NatOptions {
  /** After so long without a packet an established connection is forgotten, and its packets dropped. */
  readonly idleTimeoutSeconds: number;
}

export interface Nat extends AsyncDisposable {
  /** The server as the client reaches it. */
  readonly serverAddress: string;
  /** What to put in front of a command so that it runs there. */
  readonly inClient: readonly string[];
  readonly inServer: readonly string[];
}

const commandTimeoutMs = 10_000;
const natRules = `
table ip nat {
  chain source { type nat hook postrouting priority srcnat; oifname outside masquerade; }
}
table ip filter {
  chain forward { type filter hook forward priority filter; ct state invalid drop; }
}`;

export async function makeNat({ idleTimeoutSeconds }: NatOptions): Promise<Nat> {
  const nameOf = (role: string) => `cosftp-${role}-${process.pid}`;
  const [client, nat, server] = [nameOf('client'), nameOf('nat'), nameOf('server')];
  await using made = new AsyncDisposableStack();
  for (const name of [client, nat, server]) {
    await ip(`netns add ${name}`);
    made.defer(() => ip(`netns delete ${name}`));
    await ip(`-n ${name} link set lo up`);
  }
  await connect(
    { name: client, link: 'out', address: '10.77.1.2' },
    { name: nat, link: 'inside', address: '10.77.1.1' },
  );
  await connect(
    { name: nat, link: 'outside', address: '10.77.2.1' },
    { name: server, link: 'in', address: '10.77.2.2' },
  );
  await ip(`-n ${client} route add default via 10.77.1.1`);
  await run('ip', ['netns', 'exec', nat, 'nft', natRules], { timeout: commandTimeoutMs });
  await writeSettings(nat, {
    'net.ipv4.ip_forward': 1,
    'net.netfilter.nf_conntrack_tcp_timeout_established': idleTimeoutSeconds,
    // What it does not know is not learned from the middle.
    'net.netfilter.nf_conntrack_tcp_loose': 0,
  });
  const kept = made.move();
  return {
    serverAddress: '10.77.2.2',
    inClient: ['ip', 'netns', 'exec', client],
    inServer: ['ip', 'netns', 'exec', server],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface LinkEnd {
  readonly name: string;
  readonly link: string;
  readonly address: string;
}

async function connect(one: LinkEnd, other: LinkEnd): Promise<void> {
  await ip(
    `-n ${one.name} link add ${one.link} type veth peer name ${other.link} netns ${other.name}`,
  );
  for (const { name, link, address } of [one, other]) {
    await ip(`-n ${name} address add ${address}/24 dev ${link}`);
    await ip(`-n ${name} link set ${link} up`);
  }
}

async function writeSettings(name: string, settings: Record<string, number>): Promise<void> {
  for (const [setting, value] of Object.entries(settings)) {
    await ip(`netns exec ${name} sysctl -q -w ${setting}=${value}`);
  }
}

async function ip(words: string): Promise<void> {
  await run('ip', words.split(' '), { timeout: commandTimeoutMs });
}
