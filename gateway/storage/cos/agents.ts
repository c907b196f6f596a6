/**
 * The connections to one store. Own agents and not the SDK's process-wide pool, so that their number is
 * bounded, `close` ends them and no other COS client in the process shares them.
 *
 * The proxy variables of the environment (HTTP_PROXY, …) are deliberately not followed: containers
 * often inherit them for other traffic, and file contents must not take a way nobody configured.
 */
import http from 'node:http';
import https from 'node:https';
import type { Protocol } from './endpoint.ts';

/** Idle connections kept open; more than this many at once are closed after use. */
const idleConnectionsMax = 64;

/** Newest idle connection first, so that a burst's extra ones age and close. Nagle's delay is off by Node's default. */
export function createAgent(protocol: Protocol, connectionsMax: number): http.Agent {
  const options: http.AgentOptions = {
    keepAlive: true,
    maxSockets: connectionsMax,
    maxFreeSockets: Math.min(connectionsMax, idleConnectionsMax),
    scheduling: 'lifo',
  };
  return protocol === 'https' ? new https.Agent(options) : new http.Agent(options);
}
