/** Metrics of sessions, logins, commands and replies. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** How the control connection was protected when the session ended. */
export type SessionProtection = 'none' | 'explicit' | 'implicit';

const protections = ['none', 'explicit', 'implicit'] as const satisfies SessionProtection[];
const loginResults = ['success', 'failure', 'throttled', 'limited'] as const;
const sessionRefusals = [
  'max_sessions',
  'max_sessions_per_address',
  'max_sessions_per_account',
  'tls_handshakes',
  'proxy_protocol',
  'draining',
] as const;
const tlsChannels = ['control', 'data'] as const;
const handshakeResults = ['success', 'failed', 'timeout', 'not_resumed'] as const;
const replyClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
/** By the word of the configuration that refused it. */
export type SessionRefusal = (typeof sessionRefusals)[number];

const durationBuckets = [1, 5, 30, 60, 300, 900, 3600, 14_400, 43_200, 86_400];

export interface SessionMetrics {
  sessionOpened(): void;
  /** @param protection default none. */
  sessionClosed(seconds: number, protection?: SessionProtection): void;
  /** A client was turned away before it could log in, or at its login. */
  sessionRefused(reason: SessionRefusal): void;
  /** timeout: late, or the client left · not_resumed: data without the control connection's session. */
  tlsHandshake(
    channel: (typeof tlsChannels)[number],
    result: (typeof handshakeResults)[number],
  ): void;
  /** `failure` does not say which of user and password was wrong. */
  login(result: (typeof loginResults)[number]): void;
  /** A verb the server does not know counts as `other`. */
  command(verb: string): void;
  /** @param code three digits. */
  reply(code: number): void;
}

/**
 * @param verbs the commands the server answers, in capitals.
 * @param transfers how many sessions have a transfer or listing under way; asked at each scrape.
 */
export function sessionMetrics(
  registry: Registry,
  verbs: readonly string[],
  transfers: () => number,
): SessionMetrics {
  const registers = [registry];
  let open = 0;
  new Gauge({
    name: 'cosftp_sessions',
    help: 'Sessions open now, by whether a transfer or listing is under way',
    labelNames: ['state'],
    registers,
    collect() {
      const transferring = transfers();
      this.set({ state: 'transfer' }, transferring);
      this.set({ state: 'idle' }, Math.max(0, open - transferring));
    },
  });
  const ended = new Counter({
    name: 'cosftp_sessions_total',
    help: 'Sessions that ended, by protection of the control connection',
    labelNames: ['tls'],
    registers,
  });
  for (const tls of protections) ended.inc({ tls }, 0);
  const seconds = new Histogram({
    name: 'cosftp_session_duration_seconds',
    help: 'Duration of sessions, from the connection to its end',
    buckets: durationBuckets,
    registers,
  });
  return {
    sessionOpened() {
      open += 1;
    },
    sessionClosed(duration, protection = 'none') {
      open -= 1;
      ended.inc({ tls: protection });
      seconds.observe(duration);
    },
    sessionRefused: refusalCounter(registers),
    tlsHandshake: handshakeCounter(registers),
    login: loginCounter(registers),
    command: commandCounter(registers, verbs),
    reply: replyCounter(registers),
  };
}

function refusalCounter(registers: Registry[]): SessionMetrics['sessionRefused'] {
  const refused = new Counter({
    name: 'cosftp_sessions_refused_total',
    help: 'Sessions refused, by the limit or state that refused them',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of sessionRefusals) refused.inc({ reason }, 0);
  return (reason) => refused.inc({ reason });
}

function handshakeCounter(registers: Registry[]): SessionMetrics['tlsHandshake'] {
  const handshakes = new Counter({
    name: 'cosftp_tls_handshakes_total',
    help: 'TLS handshakes, by connection and result',
    labelNames: ['channel', 'result'],
    registers,
  });
  for (const channel of tlsChannels) {
    for (const result of handshakeResults) handshakes.inc({ channel, result }, 0);
  }
  return (channel, result) => handshakes.inc({ channel, result });
}

function loginCounter(registers: Registry[]): SessionMetrics['login'] {
  const logins = new Counter({
    name: 'cosftp_logins_total',
    help: 'Login attempts',
    labelNames: ['result'],
    registers,
  });
  for (const result of loginResults) logins.inc({ result }, 0);
  return (result) => logins.inc({ result });
}

function commandCounter(
  registers: Registry[],
  verbs: readonly string[],
): SessionMetrics['command'] {
  const known: ReadonlySet<string> = new Set(verbs);
  const commands = new Counter({
    name: 'cosftp_commands_total',
    help: 'FTP commands received',
    labelNames: ['command'],
    registers,
  });
  for (const command of [...known, 'other']) commands.inc({ command }, 0);
  return (verb) => commands.inc({ command: known.has(verb) ? verb : 'other' });
}

function replyCounter(registers: Registry[]): SessionMetrics['reply'] {
  const replies = new Counter({
    name: 'cosftp_replies_total',
    help: 'FTP replies sent, by first digit of the code',
    labelNames: ['class'],
    registers,
  });
  for (const name of replyClasses) replies.inc({ class: name }, 0);
  return (code) => {
    const name = replyClasses[Math.floor(code / 100) - 1];
    if (name) replies.inc({ class: name });
  };
}
