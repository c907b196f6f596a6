/** One RNFR and RNTO of a file, with the product's own rename. */
import { type Reply, replyForError } from '#gateway/ftp/replies.ts';
import { MiB } from '#gateway/kit/bytes.ts';
import type { ObjectStore } from '#gateway/storage/object-store.ts';
import { renameFile } from '#gateway/transfer/rename.ts';
import type { Body } from './body.ts';
import type { Gateway, World } from './gateway.ts';
import type { RenameScript } from './scenario.ts';

export class RenameSession {
  readonly script: RenameScript;
  readonly gateway: Gateway;
  readonly startedMs: number;
  readonly replies: Reply[] = [];
  /** What is renamed. */
  readonly body: Body | undefined;
  readonly #world: World;

  constructor(world: World, gateway: Gateway, script: RenameScript) {
    this.#world = world;
    this.script = script;
    this.gateway = gateway;
    this.startedMs = world.clock.monotonicMs();
    this.body = world.cos.body(script.sourceKey);
  }

  /** Resolves with its reply; never when the gateway is killed. */
  async run(store: ObjectStore): Promise<void> {
    const { sourceKey, key: targetKey } = this.script;
    const { random, log } = this.#world;
    const { clock } = this.gateway;
    // Small limits, so that copies in parts are among them.
    const limits = { copyBytesMax: 2 * MiB, copyPartBytes: MiB };
    try {
      await renameFile({ store, sourceKey, targetKey, clock, log, random, ...limits });
      this.replies.push({ code: 250, text: 'Renamed' });
    } catch (error) {
      this.replies.push(replyForError(error));
    }
  }
}
