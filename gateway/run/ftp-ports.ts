/** The ports clients connect to first; one that cannot be bound is one sentence naming the word to change. */
import type { GatewayConfig } from '#gateway/config/model.ts';
import { RunError } from './errors.ts';
import { listenError } from './listen-error.ts';

/** @throws RunError naming listen_address and listen_port. */
export async function openFtpPort<T>(
  { listen_address: host, listen_port: port }: GatewayConfig,
  open: (host: string, port: number) => Promise<T>,
): Promise<T> {
  try {
    return await open(host, port);
  } catch (error) {
    throw listenError(error, { host, port, hostWord: 'listen_address', portWord: 'listen_port' });
  }
}

/** @throws RunError port-taken, naming passive_port, when none of its ports could be bound. */
export function requirePassivePort(
  { passive_port: { first, last } }: GatewayConfig,
  { numbers }: { readonly numbers: readonly number[] },
): void {
  if (numbers.length > 0) return;
  throw new RunError('port-taken', `passive_port ${first}-${last}: all these ports are in use`, {
    hint: 'Stop the programs that use them, or choose another passive_port.',
  });
}

/** @throws RunError naming tls.implicit_port. */
export async function openImplicitPort<T>(
  { listen_address: host, tls }: GatewayConfig,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const { implicit_port: port = 0 } = tls ?? {};
    const portWord = 'tls.implicit_port';
    throw listenError(error, { host, port, hostWord: 'listen_address', portWord });
  }
}
