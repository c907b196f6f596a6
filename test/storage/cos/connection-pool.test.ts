import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ConnectionPool, type PooledConnection } from '#gateway/storage/cos/connection-pool.ts';

class FakeConnection implements PooledConnection {
  isUsable = true;
  readonly #onGone: () => void;
  constructor(onGone: () => void) {
    this.#onGone = onGone;
  }
  destroy(): void {
    if (!this.isUsable) return;
    this.isUsable = false;
    setImmediate(this.#onGone);
  }
  /** As a socket that closes by itself: gone at once. */
  vanish(): void {
    this.isUsable = false;
    this.#onGone();
  }
}

function poolOf(connectionsMax: number) {
  const made: FakeConnection[] = [];
  const pool = new ConnectionPool((onGone) => {
    const connection = new FakeConnection(onGone);
    made.push(connection);
    return connection;
  }, connectionsMax);
  return { pool, made };
}

const { signal } = new AbortController();

/** Holds a connection until told to let go. */
function hold(pool: ConnectionPool<FakeConnection>, until = signal) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = pool.use(until, async (connection) => {
    await promise;
    return connection;
  });
  return { held, release: resolve };
}

describe('a connection pool', () => {
  it('makes a connection only when none is idle, and takes the newest idle one', async () => {
    const { pool, made } = poolOf(10);
    const [first, second] = [hold(pool), hold(pool)];
    first.release();
    second.release();
    await Promise.all([first.held, second.held]);
    assert.equal(made.length, 2);
    const reused = await pool.use(signal, async (connection, isReused) => {
      assert.equal(isReused, true);
      return connection;
    });
    assert.equal(reused, made[1]);
  });

  it('does not give out a connection that died while idle', async () => {
    const { pool, made } = poolOf(1);
    await pool.use(signal, async () => undefined);
    made[0]?.destroy();
    await turn();
    const isReused = await pool.use(signal, async (_connection, reused) => reused);
    assert.equal(isReused, false);
  });

  it('never has more than its bound, and serves who waits in turn', async () => {
    const { pool, made } = poolOf(2);
    const served: number[] = [];
    let atOnce = 0;
    const use = async (serial: number) => {
      assert.ok(++atOnce <= 2);
      served.push(serial);
      await turn();
      atOnce--;
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => pool.use(signal, () => use(i))));
    assert.deepEqual(
      served,
      served.toSorted((a, b) => a - b),
    );
    assert.equal(made.length, 2);
  });

  it('replaces a connection that failed, for whoever waits', async () => {
    const { pool, made } = poolOf(1);
    const failed = pool.use(signal, async (connection) => {
      await turn();
      connection.destroy();
      throw new Error('broken');
    });
    const next = pool.use(signal, async (connection) => connection);
    await assert.rejects(failed, /broken/);
    assert.equal(await next, made[1]);
  });

  it('passes a turn on when its owner gave up at that very moment', async () => {
    const { pool, made } = poolOf(1);
    const holder = hold(pool);
    await turn();
    const gone = new AbortController();
    const late = pool.use(gone.signal, async () => assert.fail('served although it gave up'));
    const patient = pool.use(signal, async () => 'served');
    await turn();
    made[0]?.vanish();
    gone.abort(new Error('gave up'));
    await assert.rejects(late, /^Error: gave up/);
    assert.equal(await patient, 'served');
    holder.release();
  });

  it('turns everybody away once it is closed', async () => {
    const { pool } = poolOf(1);
    const holder = hold(pool);
    const waiting = [pool.use(signal, async () => 1), pool.use(signal, async () => 2)];
    pool.close();
    holder.release();
    for (const one of waiting) await assert.rejects(one, /closed/);
    await holder.held;
    await assert.rejects(
      pool.use(signal, async () => 3),
      /closed/,
    );
  });
});
