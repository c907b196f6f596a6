/**
 * `npm run fuzz`: a million hostile control lines against a gateway in a process of its own.
 *
 *     npm run fuzz                                  a new seed, 1,000,000 lines, 16 sessions
 *     npm run fuzz -- --seed 17 --lines 100000      the same scenes again
 */
import { parseArgs } from 'node:util';
import { formatBytes } from '#gateway/kit/bytes.ts';
import { type CampaignResult, runCampaign } from './campaign.ts';
import { Violation } from './violation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    lines: { type: 'string', default: '1000000' },
    sessions: { type: 'string', default: '16' },
  },
});

function count(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(`--${name} ${text}: not a number\n`);
  process.exit(2);
}

const seed = count('seed', values.seed ?? String(Date.now() % 1_000_000));
const lines = count('lines', values.lines);
const sessions = count('sessions', values.sessions);
const replay = `npm run fuzz -- --seed ${seed} --lines ${lines} --sessions ${sessions}`;

process.stdout.write(`seed ${seed}: ${lines} lines over ${sessions} sessions\n`);
let toldLines = 0;
try {
  const result = await runCampaign({
    seed,
    lines,
    sessions,
    onProgress: (progress) => {
      if (progress.lines - toldLines < lines / 20) return;
      toldLines = progress.lines;
      process.stdout.write(`  ${progress.lines} lines, RSS ${formatBytes(progress.rssBytes)}\n`);
    },
  });
  // Not left to the end of all handles: Node waits for ever for writes of TLS sockets that were reset below.
  process.stdout.write(told(result), () => process.exit());
} catch (error) {
  if (!(error instanceof Violation)) throw error;
  process.stderr.write(`\nVIOLATION: ${error.message}\n\nAgain: ${replay}\n`);
  process.exit(1);
}

function told(result: CampaignResult): string {
  const { start, end, peak } = result.rssBytes;
  const codes = [...result.codes].sort(([one], [other]) => one - other);
  return [
    `${result.lines} lines and ${result.replies} replies in ${result.seconds.toFixed(0)} s,`,
    ` ${result.connections} sessions, ${result.securedSessions} times into TLS,`,
    ` ${result.dataConnections} data connections, 0 violations\n`,
    `RSS ${formatBytes(start)} after the warm-up, ${formatBytes(end)} at the end,`,
    ` ${formatBytes(peak)} at most\n`,
    `replies: ${codes.map(([code, times]) => `${code} × ${times}`).join(', ')}\n`,
  ].join('');
}
