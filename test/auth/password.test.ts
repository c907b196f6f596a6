import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AuthError } from '#gateway/auth/errors.ts';
import {
  decoyHash,
  hashPassword,
  PasswordChecker,
  verifyPassword,
} from '#gateway/auth/password.ts';

describe('hashes', () => {
  test('are those of RFC 7914 section 12', async () => {
    const salt = Buffer.from('SodiumChloride').toString('base64').replace(/=+$/, '');
    const hex =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
      'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
    const hash = Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '');
    const text = `$scrypt$ln=14,r=8,p=1$${salt}$${hash}`;
    assert.equal(await verifyPassword('pleaseletmein', text), true);
    assert.equal(await verifyPassword('pleaseletmeim', text), false);
  });

  test('of one password differ, and each verifies it alone', async () => {
    const [one, other] = await Promise.all([hashPassword('secret'), hashPassword('secret')]);
    assert.notEqual(one, other);
    assert.match(one, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(await verifyPassword('secret', one), true);
    assert.equal(await verifyPassword('Secret', one), false);
    assert.equal(await verifyPassword('', one), false);
  });

  test('that are none verify nothing', async () => {
    assert.equal(await verifyPassword('x', ''), false);
    assert.equal(await verifyPassword('x', '$scrypt$ln=30,r=8,p=1$a$b'), false);
  });

  test('to deceive cost what they are like', () => {
    const cheap = `$scrypt$ln=11,r=8,p=1$${'A'.repeat(22)}$${'B'.repeat(43)}`;
    assert.match(decoyHash(cheap), /^\$scrypt\$ln=11,r=8,p=1\$/);
    assert.match(decoyHash(), /^\$scrypt\$ln=15,r=8,p=1\$/);
    assert.notEqual(decoyHash(), decoyHash());
  });
});

/** Verifies by comparing texts, when told to go on; counts how often and how many at a time. */
function countingVerifier() {
  const gates: (() => void)[] = [];
  const seen = { calls: 0, running: 0, runningMost: 0 };
  const verify = async (password: string, hashText: string): Promise<boolean> => {
    seen.calls += 1;
    seen.running += 1;
    seen.runningMost = Math.max(seen.runningMost, seen.running);
    await new Promise<void>((resolve) => gates.push(resolve));
    seen.running -= 1;
    if (hashText === 'broken') throw new Error('no memory');
    return password === hashText;
  };
  /** Lets every check finish, also those that start only when others end. */
  const release = async () => {
    for (let turns = 0; turns < 5; turns += 1) {
      for (const open of gates.splice(0)) open();
      await new Promise((resolve) => setImmediate(resolve));
      if (gates.length > 0) turns = 0;
    }
  };
  return { verify, seen, release };
}

describe('a checker', () => {
  test('computes nothing for a password it found right before', async () => {
    const { verify, seen, release } = countingVerifier();
    const checker = new PasswordChecker({ verify });
    for (let login = 0; login < 3; login += 1) {
      const verdict = checker.matchesHash('alice', 'right', 'right');
      await release();
      assert.equal(await verdict, true);
    }
    assert.equal(seen.calls, 1);
  });

  test('does not remember a wrong password, another user’s, or that of a former hash', async () => {
    const { verify, seen, release } = countingVerifier();
    const checker = new PasswordChecker({ verify });
    const attempts: readonly (readonly [string, string, string, boolean])[] = [
      ['alice', 'right', 'right', true],
      ['alice', 'wrong', 'right', false],
      ['alice', 'wrong', 'right', false],
      ['bob', 'right', 'right', true],
      ['alice', 'right', 'changed', false],
    ];
    for (const [user, password, hashText, expected] of attempts) {
      const verdict = checker.matchesHash(user, password, hashText);
      await release();
      assert.equal(await verdict, expected);
    }
    assert.equal(seen.calls, 5);
  });

  test('computes equal checks at the same time once', async () => {
    const { verify, seen, release } = countingVerifier();
    const checker = new PasswordChecker({ verify });
    const storm = Array.from({ length: 300 }, () => checker.matchesHash('alice', 'right', 'right'));
    await release();
    assert.deepEqual(new Set(await Promise.all(storm)), new Set([true]));
    assert.equal(seen.calls, 1);
  });

  test('runs two at a time and refuses more than it lets wait', async () => {
    const { verify, seen, release } = countingVerifier();
    const checker = new PasswordChecker({ verify, concurrency: 2, waitingMax: 3 });
    const verdicts = [1, 2, 3, 4, 5].map((n) => checker.matchesHash(`u${n}`, `p${n}`, 'x'));
    await assert.rejects(
      checker.matchesHash('u6', 'p6', 'x'),
      (error) => error instanceof AuthError && error.kind === 'busy' && error.retryable,
    );
    await release();
    assert.deepEqual(await Promise.all(verdicts), [false, false, false, false, false]);
    assert.deepEqual([seen.calls, seen.runningMost], [5, 2]);
  });

  test('goes on after a check that threw', async () => {
    const { verify, release } = countingVerifier();
    const checker = new PasswordChecker({ verify, concurrency: 1 });
    const broken = checker.matchesHash('alice', 'right', 'broken');
    const next = checker.matchesHash('bob', 'right', 'right');
    const settled = Promise.allSettled([broken, next]);
    await release();
    const [first, second] = await settled;
    assert.equal(first.status, 'rejected');
    assert.deepEqual(second, { status: 'fulfilled', value: true });
  });

  test('forgets the user who logged in longest ago when it remembers too many', async () => {
    const { verify, seen, release } = countingVerifier();
    const checker = new PasswordChecker({ verify, rememberedMax: 2 });
    const logIn = async (user: string) => {
      const verdict = checker.matchesHash(user, user, user);
      await release();
      assert.equal(await verdict, true);
    };
    for (const user of ['a', 'b', 'a', 'c', 'a']) await logIn(user);
    assert.equal(seen.calls, 3);
    await logIn('b');
    assert.equal(seen.calls, 4);
  });

  test('compares plain passwords whatever their length', () => {
    const checker = new PasswordChecker();
    assert.equal(checker.matchesPlain('secret', 'secret'), true);
    assert.equal(checker.matchesPlain('ключ', 'ключ'), true);
    assert.equal(checker.matchesPlain('secret', 'secret '), false);
    assert.equal(checker.matchesPlain('', 'secret'), false);
  });
});
