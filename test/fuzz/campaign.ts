/**
 * A whole run of the fuzzer: sessions side by side until the lines are spent, then the question what is
 * left of them in the gateway. One seed gives each session its own sequence of scenes.
 */
import { MiB } from '#gateway/kit/bytes.ts';
import { until } from '#test/support/condition.ts';
import { seededRandom } from '#test/support/random.ts';
import { type ClientCounts, FuzzClient } from './client.ts';
import { drawScene, drawUser } from './scene.ts';
import { type Holdings, Subject } from './subject.ts';
import { Violation } from './violation.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Control lines of all sessions together, at least. */
  readonly lines: number;
  /** Default 16. */
  readonly sessions?: number;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly lines: number;
  readonly rssBytes: number;
}

export interface CampaignResult {
  readonly seed: number;
  readonly lines: number;
  readonly replies: number;
  readonly connections: number;
  readonly dataConnections: number;
  readonly securedSessions: number;
  /** How often each code was replied. */
  readonly codes: ReadonlyMap<number, number>;
  readonly seconds: number;
  /** Collected after the warm-up and at the end, and at most in between. */
  readonly rssBytes: { readonly start: number; readonly end: number; readonly peak: number };
}

/** How much more the process may hold at the end than after its warm-up. */
export const rssGrowthBytesMax: number = 30 * MiB;
/** Lines before memory is looked at for the first time: code is compiled, pools are filled. */
const warmUpLinesMax = 30_000;
/** Several times the longest answer of an idle machine, which is 5 s for PASV without a free port. */
const silenceMsMax = 30_000;
const quietMsMax = 30_000;

const nothingHeld: Holdings = {
  sessions: 0,
  transfers: 0,
  busyPorts: 0,
  partBytes: 0,
  waitingForMemory: 0,
  openMultiparts: 0,
};

/** @throws Violation; its message has the seed and what the client and the log said last. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, lines } = options;
  await using subject = await Subject.start();
  const campaign = new Campaign(options, subject);
  const startMs = performance.now();
  await campaign.spend(Math.min(warmUpLinesMax, Math.ceil(lines / 3)));
  const start = await subject.heldRssBytes();
  const descriptors = subject.descriptors();
  await campaign.spend(lines);
  const end = await subject.heldRssBytes();
  const result = {
    seed,
    ...campaign.counts,
    codes: campaign.codes,
    seconds: (performance.now() - startMs) / 1000,
    rssBytes: { start, end, peak: Math.max(campaign.rssBytesPeak, end) },
  };
  checkGrowth(result);
  await untilDescriptors(subject, descriptors, seed);
  return result;
}

function checkGrowth({ seed, rssBytes }: CampaignResult): void {
  const grownBytes = rssBytes.end - rssBytes.start;
  if (grownBytes > rssGrowthBytesMax) {
    throw new Violation(`seed ${seed}: the process grew by ${Math.round(grownBytes / MiB)} MiB`);
  }
}

/** The last connections are still being closed when nothing is held any more; a leak stays. */
async function untilDescriptors(subject: Subject, before: number, seed: number): Promise<void> {
  const areGone = () => !(subject.descriptors() > before);
  await until('connections to be closed', areGone, quietMsMax).catch((cause: unknown) => {
    const open = `${subject.descriptors()} descriptors are open, ${before} were before`;
    throw new Violation(`seed ${seed}: ${open}`, { cause });
  });
}

class Campaign {
  readonly codes = new Map<number, number>();
  rssBytesPeak = 0;
  readonly #options: CampaignOptions;
  readonly #subject: Subject;
  readonly #players: readonly Player[];

  constructor(options: CampaignOptions, subject: Subject) {
    this.#options = options;
    this.#subject = subject;
    const { seed, sessions = 16 } = options;
    const onReply = (code: number) => void this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    this.#players = Array.from(
      { length: sessions },
      (_, index) => new Player(seed, index, subject.ftpPort, onReply),
    );
  }

  get counts() {
    const sum = (name: keyof ClientCounts) =>
      this.#players.reduce((total, { client }) => total + client.counts[name], 0);
    return {
      lines: sum('lines'),
      replies: sum('replies'),
      connections: sum('connections'),
      dataConnections: sum('dataConnections'),
      securedSessions: sum('securedSessions'),
    };
  }

  /** Plays until so many lines were sent since the start; then all clients leave and nothing is held. */
  async spend(lines: number): Promise<void> {
    const each = Math.ceil(lines / this.#players.length);
    const timer = setInterval(() => void this.#report(), 2_000);
    try {
      const played = Promise.all(this.#players.map((player) => player.spend(each)));
      await Promise.race([played, this.#subject.failed]);
      await Promise.race([this.#untilNothingIsHeld(), this.#subject.failed]);
    } catch (error) {
      throw this.#told(error);
    } finally {
      clearInterval(timer);
      for (const { client } of this.#players) client.destroy();
    }
  }

  async #report(): Promise<void> {
    const rssBytes = await this.#subject.rssBytes().catch(() => 0);
    this.rssBytesPeak = Math.max(this.rssBytesPeak, rssBytes);
    this.#options.onProgress?.({ lines: this.counts.lines, rssBytes });
  }

  async #untilNothingIsHeld(): Promise<void> {
    let held = await this.#subject.holdings();
    const isNothing = async () => {
      held = await this.#subject.holdings();
      return JSON.stringify(held) === JSON.stringify(nothingHeld);
    };
    try {
      await until('nothing to be held', isNothing, quietMsMax);
    } catch (error) {
      throw new Violation(`held without a client: ${JSON.stringify(held)}`, { cause: error });
    }
  }

  #told(error: unknown): unknown {
    if (!(error instanceof Violation)) return error;
    const culprit = this.#players.find((player) => player.violation === error);
    const said = culprit
      ? `\n\nsession ${culprit.index}, last:\n${culprit.client.history.text}`
      : '';
    const log = this.#subject.logLines.slice(-10).join('\n');
    const message = `seed ${this.#options.seed}: ${error.message}${said}\n\nlog, last:\n${log}`;
    return new Violation(message, { cause: error });
  }
}

/** One session's sequence of scenes. */
class Player {
  readonly index: number;
  readonly client: FuzzClient;
  violation: unknown;
  readonly #random;

  constructor(seed: number, index: number, port: number, onReply: (code: number) => void) {
    this.index = index;
    this.#random = seededRandom(seed * 1000 + index);
    this.client = new FuzzClient({
      port,
      localAddress: process.platform === 'linux' ? `127.0.0.${index + 2}` : '127.0.0.1',
      user: drawUser(this.#random),
      silenceMsMax,
      onReply,
    });
  }

  /** @throws Violation, which is kept. */
  async spend(lines: number): Promise<void> {
    try {
      while (this.client.counts.lines < lines) await this.client.play(drawScene(this.#random));
      await this.client.leave();
    } catch (error) {
      this.violation = error;
      throw error;
    }
  }
}
