import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Jail, KeyError, type KeyErrorKind, keyBytesMax } from '#gateway/storage/keys.ts';

function refuses(kind: KeyErrorKind, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof KeyError && error.kind === kind);
}

/** A small seeded generator, so that a failing path can be replayed from its seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a path a client typed', () => {
  const jail = new Jail('incoming/alice');
  const cases: readonly (readonly [cwd: string, argument: string, path: string])[] = [
    ['/', 'a.txt', '/a.txt'],
    ['/sub', 'a.txt', '/sub/a.txt'],
    ['/sub', '/a.txt', '/a.txt'],
    ['/sub', '', '/sub'],
    ['/sub', '.', '/sub'],
    ['/sub', './././a', '/sub/a'],
    ['/sub/deep', '..', '/sub'],
    ['/sub', '..', '/'],
    ['/sub', '../../../../etc/passwd', '/etc/passwd'],
    ['/', '/../../x', '/x'],
    ['/', 'a//b///c', '/a/b/c'],
    ['/', '//a', '/a'],
    ['/', 'a/', '/a'],
    ['/', '/', '/'],
    ['/', '...', '/...'],
    ['/', '..a', '/..a'],
    ['/', 'a/..b/..', '/a'],
    ['/', '..\\..\\x', '/..\\..\\x'],
    ['/', '~', '/~'],
    ['/', ' a ', '/ a '],
    ['/', '%2e%2e/x', '/%2e%2e/x'],
  ];
  for (const [cwd, argument, path] of cases) {
    it(`${JSON.stringify(argument)} from ${cwd} is ${path}`, () => {
      assert.equal(jail.resolve(cwd, argument), path);
    });
  }

  it('never leaves the account prefix, whatever is typed', () => {
    const pieces = ['..', '.', '', '/', '//', '\\', '..\\', 'a', 'ä', '%2e%2e', '~', '...', ' '];
    for (let seed = 0; seed < 3000; seed++) {
      const random = seeded(seed);
      const argument = Array.from(
        { length: 1 + Math.floor(random() * 12) },
        () => `${pieces[Math.floor(random() * pieces.length)]}${random() < 0.6 ? '/' : ''}`,
      ).join('');
      const path = jail.resolve('/some/where', argument);
      assert.match(path, /^\/($|[^/])/, `seed ${seed}`);
      assert.equal(jail.resolve('/', path), path, `resolved again it stays, seed ${seed}`);
      const prefix = jail.directoryPrefix(path);
      assert.ok(prefix.startsWith('incoming/alice/'), `seed ${seed}`);
      assert.ok(!prefix.split('/').includes('..'), `seed ${seed}`);
      assert.equal(jail.virtualPath(prefix), path, `seed ${seed}`);
    }
  });
});

describe('a key', () => {
  const jail = new Jail('incoming/alice/');

  it('is the prefix and the path', () => {
    assert.equal(jail.objectKey('/a/b.txt'), 'incoming/alice/a/b.txt');
    assert.equal(new Jail('').objectKey('/a/b.txt'), 'a/b.txt');
  });

  it('keeps the name as it was sent: no normalisation, no trimming', () => {
    const composed = '/\u00e9';
    const decomposed = '/e\u0301';
    assert.notEqual(jail.objectKey(composed), jail.objectKey(decomposed));
    assert.equal(jail.objectKey('/ a '), 'incoming/alice/ a ');
  });

  it('may be as long as COS takes, in UTF-8 bytes with the prefix, and no byte longer', () => {
    const roomBytes = keyBytesMax - Buffer.byteLength(jail.prefix);
    assert.ok(jail.objectKey(`/${'x'.repeat(roomBytes - 1)}`));
    assert.equal(Buffer.byteLength(jail.objectKey(`/${'x'.repeat(roomBytes)}`)), keyBytesMax);
    refuses('too-long', () => jail.objectKey(`/${'x'.repeat(roomBytes + 1)}`));
    refuses('too-long', () => jail.objectKey(`/${'ä'.repeat(roomBytes / 2 + 1)}`));
  });

  it('counts the slash of a directory', () => {
    const roomBytes = keyBytesMax - Buffer.byteLength(jail.prefix) - 1;
    assert.equal(Buffer.byteLength(jail.directoryPrefix(`/${'x'.repeat(roomBytes)}`)), keyBytesMax);
    refuses('too-long', () => jail.directoryPrefix(`/${'x'.repeat(roomBytes + 1)}`));
  });

  it('is refused for the root', () => refuses('is-root', () => jail.objectKey('/')));

  it('is refused below the reserved folder, at any depth', () => {
    for (const path of ['/.cosftp', '/.cosftp/uploads/x', '/a/.cosftp/b']) {
      refuses('reserved', () => jail.objectKey(path));
      refuses('reserved', () => jail.directoryPrefix(path));
    }
    assert.ok(jail.objectKey('/.cosftp2'));
    assert.ok(jail.objectKey('/x.cosftp'));
  });

  for (const code of [0, 10, 13, 24, 25, 26, 27]) {
    it(`is refused with control character ${code}`, () => {
      refuses('invalid-name', () => jail.objectKey(`/a${String.fromCharCode(code)}b`));
    });
  }

  for (const code of [1, 9, 11, 23, 28, 31, 127]) {
    it(`may hold control character ${code}`, () => {
      assert.ok(jail.objectKey(`/a${String.fromCharCode(code)}b`));
    });
  }

  it('is refused when the name has no UTF-8 form', () => {
    refuses('invalid-name', () => jail.objectKey('/a\ud800b'));
    assert.ok(jail.objectKey('/\u{1F600}'));
  });

  it('is refused for a path that was not resolved', () => {
    for (const path of ['/..', '/a/../b', '/a//b', '/./a', '/a/']) {
      refuses('invalid-name', () => jail.objectKey(path));
    }
  });

  it('may not begin with a backslash at the top of the bucket', () => {
    refuses('invalid-name', () => new Jail('').objectKey('/\\a'));
    assert.equal(jail.objectKey('/\\a'), 'incoming/alice/\\a');
    assert.equal(new Jail('').objectKey('/a\\b'), 'a\\b');
  });
});

describe('a jail', () => {
  it('gets its slash when the prefix lacks one and loses a leading one', () => {
    for (const prefix of ['in', 'in/', '/in', '/in//'])
      assert.equal(new Jail(prefix).prefix, 'in/');
    for (const prefix of ['', '/']) assert.equal(new Jail(prefix).prefix, '');
  });

  it('is refused where nothing could be stored', () => {
    for (const prefix of ['a/../b', '..', 'a//b', 'a\nb', '\\a']) {
      refuses('invalid-name', () => new Jail(prefix));
    }
    refuses('reserved', () => new Jail('.cosftp/x'));
    refuses('too-long', () => new Jail('x'.repeat(keyBytesMax)));
    assert.ok(new Jail('x'.repeat(keyBytesMax - 1)));
  });

  it('has its root at the prefix', () => {
    assert.equal(new Jail('in').directoryPrefix('/'), 'in/');
    assert.equal(new Jail('').directoryPrefix('/'), '');
    assert.equal(new Jail('in').virtualPath('in/'), '/');
    assert.equal(new Jail('in').virtualPath('in/a/b'), '/a/b');
    assert.equal(new Jail('in').virtualPath('in/a/'), '/a');
  });
});
