/**
 * One run: the scenario of a seed played to its end on virtual time, and to rest. The same seed gives the
 * same run to the last line of its trace, in any process.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { sleep } from '#gateway/kit/clock.ts';
import type { MultipartUpload } from '#gateway/storage/object-store.ts';
import { formatMarkerContent, parseMarkerContent } from '#gateway/storage/upload-marker.ts';
import { type FakeClock, fakeClock } from '#test/support/fake-clock.ts';
import { seededRandom } from '#test/support/random.ts';
import { bodyOf, copyInto } from './body.ts';
import { checkRename, checkUpload } from './check.ts';
import { type Author, SimulatedCos } from './cos.ts';
import { type Passage, Weather } from './fault.ts';
import { Gateway, prefix, type World } from './gateway.ts';
import { RenameSession } from './rename-session.ts';
import { drawScenario, type Scenario, type SessionScript } from './scenario.ts';
import { type Seams, UploadSession } from './session.ts';
import type { StoreObserver } from './store.ts';
import { stuffBody } from './stuff.ts';
import { Trace } from './trace.ts';

export interface RunResult {
  readonly seed: number;
  /** What was wrong, in words; empty when nothing was. */
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly virtualHours: number;
  readonly tally: Readonly<Record<string, number>>;
}

/** A session that has no reply after so long hangs. */
const replyWithinMs = 6 * 3_600_000;
/** Two rounds of the janitor, and the abort of an unanswered Complete. */
const restMs = 13 * 3_600_000;
const restartAfterMs = 5_000;
/** Since others began their uploads: a marker without an id is taken for an upload begun right after it. */
const agedMs = 600_000;

const others: Author = { name: 'another program', isDamaged: false, isTold: true };
const otherMarker = `${prefix}.cosftp/uploads/gateway-9/abcd-1`;

export async function simulate(seed: number, seams: Seams = {}): Promise<RunResult> {
  return new Run(drawScenario(seed), seams).play();
}

class Run {
  readonly #scenario: Scenario;
  readonly #seams: Seams;
  readonly #clock: FakeClock = fakeClock();
  readonly #trace = new Trace(this.#clock);
  readonly #cos = new SimulatedCos(this.#clock);
  readonly #weather: Weather;
  readonly #world: World;
  readonly #gateways: Gateway[];
  readonly #sessions: (UploadSession | RenameSession)[] = [];
  readonly #violations: string[] = [];
  readonly #tally: Record<string, number> = {};
  /** Uploads begun while no marker of them could be written: nobody can know them after a crash. */
  readonly #unmarked = new Set<string>();
  readonly #foreign: readonly MultipartUpload[];

  constructor(scenario: Scenario, seams: Seams) {
    const { seed, objects } = scenario;
    this.#scenario = scenario;
    this.#seams = seams;
    this.#weather = new Weather(seededRandom(seed + 1_000_000_000), scenario.weather);
    const jitter = seededRandom(seed + 2_000_000_000);
    this.#world = {
      clock: this.#clock,
      cos: this.#cos,
      weather: this.#weather,
      random: () => jitter.next(),
      log: this.#trace.log('gateway'),
    };
    this.#gateways = ['gateway-0', 'gateway-1'].map(
      (instance) => new Gateway(this.#world, { instance, run: 'aaaa' }, scenario),
    );
    for (const { key, stuff, hasCrc } of objects) {
      if (hasCrc) this.#cos.put(key, stuffBody(stuff), {}, others);
      else this.#cos.putWithoutCrc(key, stuffBody(stuff), others);
    }
    this.#foreign = this.#beginForeignUploads();
  }

  async play(): Promise<RunResult> {
    await this.#clock.advance(agedMs);
    const { sessions, drainAtMs, killAtMs, janitorAtMs } = this.#scenario;
    const [first] = this.#gateways;
    for (const gateway of this.#gateways) {
      this.#clock.setTimer(janitorAtMs, () => this.#startJanitor(gateway));
    }
    if (drainAtMs !== undefined) this.#clock.setTimer(drainAtMs, () => this.#drain());
    if (killAtMs !== undefined) this.#clock.setTimer(killAtMs, () => this.#kill(first));
    const open = new Set(sessions);
    for (const script of sessions) {
      void this.#runSession(script).finally(() => open.delete(script));
    }
    const isOver = () => [...open].every((script) => this.#gateways[script.gateway]?.isKilled);
    if (!(await this.#passUntil(isOver, replyWithinMs))) {
      const names = [...open].map(({ name }) => name).join(', ');
      this.#violate(names, `no reply within ${replyWithinMs / 3_600_000} h`);
    }
    await this.#comeToRest();
    const { seed } = this.#scenario;
    const violations = this.#violations;
    const virtualHours = this.#clock.monotonicMs() / 3_600_000;
    return { seed, violations, trace: this.#trace.lines, virtualHours, tally: this.#tally };
  }

  /** One of another program, and one that another living gateway has marked. */
  #beginForeignUploads(): readonly MultipartUpload[] {
    const begin = () => this.#cos.createMultipart('jail/a', {}, others);
    const uploads = [begin(), begin()];
    const content = formatMarkerContent({ key: 'jail/a', uploadId: uploads[1]?.uploadId ?? '' });
    this.#cos.put(otherMarker, bodyOf(Buffer.from(content)), {}, others);
    return uploads;
  }

  async #runSession(script: SessionScript): Promise<void> {
    await sleep(this.#clock, script.startMs);
    const gateway = this.#gateways[script.gateway];
    if (!gateway || gateway.isKilled) return;
    const session =
      script.kind === 'upload'
        ? new UploadSession(this.#world, gateway, script, this.#seams)
        : new RenameSession(this.#world, gateway, script);
    this.#sessions.push(session);
    this.#trace.note(script.name, describeScript(script));
    if (session instanceof UploadSession) this.#arrangeEvent(session);
    const raw = gateway.rawStore({
      name: script.name,
      observer: this.#observe(session),
      copiesAreTrue: script.kind === 'upload' && (script.continues ?? 1) < 1,
    });
    await session.run(gateway.mark(this.#seams.store?.(raw) ?? raw));
    const [reply] = session.replies;
    this.#trace.note(script.name, `reply ${reply?.code} ${reply?.text}`);
    this.#count(`${script.kind === 'rename' ? 'rename ' : ''}${reply?.code}`);
    this.#check(session);
  }

  #arrangeEvent(session: UploadSession): void {
    const { event } = session.script;
    if (event?.when !== 'after the start') return;
    this.#clock.setTimer(event.delayMs, () => session.cut(event.reason));
  }

  #observe(session: UploadSession | RenameSession): StoreObserver {
    const { name, key } = session.script;
    return {
      ...this.#observer(name),
      committing: (asked) => {
        if (asked === key && session instanceof UploadSession) session.noteCommit();
      },
    };
  }

  #observer(name: string): StoreObserver {
    return {
      sent: (operation, key, passage) => {
        this.#trace.note(name, `${operation} ${key}${describePassage(passage)}`);
        if (passage.fault !== undefined) this.#count('faults');
      },
      opened: (upload) => {
        if (!this.#isMarked(upload)) this.#unmarked.add(upload.uploadId);
      },
      abortedAtWork: ({ uploadId }) =>
        this.#violate(name, `${uploadId} was aborted while its Complete is at work`),
    };
  }

  #isMarked({ key }: MultipartUpload): boolean {
    return this.#cos.keys.some((marker) => {
      const body = marker.includes('/.cosftp/') ? this.#cos.body(marker) : undefined;
      if (!body) return false;
      const bytes = Buffer.alloc(body.sizeBytes);
      copyInto(bytes, body);
      const content = parseMarkerContent(prefix, bytes.toString());
      return content?.key === key && content.uploadId === undefined;
    });
  }

  #startJanitor(gateway: Gateway): void {
    if (!gateway.isKilled) gateway.startJanitor(this.#observer(`janitor of ${gateway.name}`));
  }

  #drain(): void {
    this.#trace.note('gateway-0', 'its drain ends');
    for (const session of this.#sessions) {
      const isHere = session.gateway === this.#gateways[0];
      if (isHere && session instanceof UploadSession) session.cut('drain');
    }
  }

  #kill(gateway: Gateway | undefined): void {
    this.#trace.note('gateway-0', 'killed');
    this.#count('kills');
    gateway?.kill();
    this.#clock.setTimer(restartAfterMs, () => {
      const again = new Gateway(
        this.#world,
        { instance: 'gateway-0', run: 'bbbb' },
        this.#scenario,
      );
      this.#gateways.push(again);
      this.#startJanitor(again);
    });
  }

  /** @returns false when it did not come true within that time. */
  async #passUntil(isReached: () => boolean, withinMs: number): Promise<boolean> {
    const untilMs = this.#clock.monotonicMs() + withinMs;
    while (!isReached()) {
      if (this.#clock.monotonicMs() > untilMs || !(await this.#clock.toNextTimer())) return false;
      // As many turns as the longest chain of them in the product, before more time passes.
      for (let turns = 0; turns < 3; turns++) await turn();
    }
    return true;
  }

  async #comeToRest(): Promise<void> {
    this.#weather.clear();
    const untilMs = this.#clock.monotonicMs() + restMs;
    await this.#passUntil(() => this.#clock.monotonicMs() > untilMs, 2 * restMs);
    for (const session of this.#sessions) if (session.replies.length > 0) this.#check(session);
    for (const gateway of this.#gateways) if (!gateway.isKilled) this.#checkGateway(gateway);
    this.#checkBucket();
  }

  #check(session: UploadSession | RenameSession): void {
    const wrong =
      session instanceof UploadSession
        ? checkUpload(this.#cos, session)
        : checkRename(this.#cos, session);
    if (wrong !== undefined) this.#violate(session.script.name, wrong);
  }

  #checkGateway(gateway: Gateway): void {
    gateway.close();
    const { usedBytes, waiting, starters } = gateway.pool;
    const held = usedBytes + waiting + starters.inUse;
    if (held > 0) {
      this.#violate(
        gateway.name,
        `holds ${usedBytes} bytes, ${starters.inUse} starters; ${waiting} wait`,
      );
    }
  }

  #checkBucket(): void {
    const mayStay = new Set(this.#foreign.map(({ uploadId }) => uploadId));
    for (const { uploadId } of this.#foreign) {
      if (!this.#cos.uploads.has(uploadId))
        this.#violate('bucket', `${uploadId} of others is gone`);
    }
    for (const { uploadId, key, author } of this.#cos.uploads.values()) {
      if (mayStay.has(uploadId)) continue;
      if (this.#unmarked.has(uploadId)) this.#count('uploads nobody can know');
      else this.#violate('bucket', `${uploadId} of ${key} by ${author.name} stays open`);
    }
    for (const key of this.#cos.keys) {
      const isLeft = key.includes('/.cosftp/') && key !== otherMarker;
      if (isLeft) this.#violate('bucket', `${key} stays`);
    }
    if (!this.#cos.keys.includes(otherMarker))
      this.#violate('bucket', 'the marker of others is gone');
  }

  #violate(who: string, what: string): void {
    this.#trace.note(who, `VIOLATION: ${what}`);
    this.#violations.push(`${who}: ${what}`);
  }

  #count(what: string): void {
    this.#tally[what] = (this.#tally[what] ?? 0) + 1;
  }
}

function describePassage({ fault, workMs, replyMs, error }: Passage): string {
  if (fault === undefined) return '';
  const work = workMs === undefined ? 'never done' : `done after ${workMs} ms`;
  const reply =
    replyMs === undefined ? 'never answered' : `${error ?? 'answered'} after ${replyMs} ms`;
  return ` [${fault}: ${work}, ${reply}]`;
}

function describeScript(script: SessionScript): string {
  if (script.kind === 'rename') return `renames ${script.sourceKey} to ${script.key}`;
  const { key, policy, data, event, announcedBytes, continues, limitBytes, gateway } = script;
  const facts = [
    `${data.stuff.sizeBytes} bytes in chunks of ${data.chunkBytes}`,
    `then ${data.end}`,
    event && `${event.reason} ${event.delayMs} ms ${event.when}`,
    announcedBytes !== undefined && `announced ${announcedBytes}`,
    continues !== undefined && `continues after ${continues.toFixed(2)} of the object`,
    `read ${script.reading}, policy ${policy}, limit ${limitBytes}, gateway-${gateway}`,
  ];
  return `stores ${key}: ${facts.filter(Boolean).join(', ')}`;
}
