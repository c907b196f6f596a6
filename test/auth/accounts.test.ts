import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Accounts } from '#gateway/auth/accounts.ts';
import { hashPassword, PasswordChecker, verifyPassword } from '#gateway/auth/password.ts';
import type { AccountConfig, AccountPassword } from '#gateway/config/model.ts';
import { loadYaml, minimalYaml, onlyAccount } from '#test/support/config-text.ts';
import { temporaryDirectory } from '#test/support/temporary-directory.ts';

const example = onlyAccount(loadYaml(minimalYaml('')).config);

const account = (user: string, password: AccountPassword): AccountConfig => ({
  ...example,
  user,
  password,
});

const plain = (user: string, value: string) => account(user, { kind: 'plain', value });

let hash = '';
before(async () => {
  hash = await hashPassword('secret');
});

/** A checker that counts the hashes it computes. */
function countingChecker(): { checker: PasswordChecker; computed: () => number } {
  let count = 0;
  const verify = (password: string, hashText: string) => {
    count += 1;
    return verifyPassword(password, hashText);
  };
  return { checker: new PasswordChecker({ verify }), computed: () => count };
}

describe('authenticate', () => {
  test('gives the account for its own password only', async () => {
    const accounts = new Accounts([
      plain('alice', 'wonderland'),
      account('bob', { kind: 'hash', value: hash }),
    ]);
    const attempts: readonly (readonly [string, string, string | undefined])[] = [
      ['alice', 'wonderland', 'alice'],
      ['bob', 'secret', 'bob'],
      ['alice', 'secret', undefined],
      ['bob', 'wonderland', undefined],
      ['bob', hash, undefined],
      ['Alice', 'wonderland', undefined],
      ['carol', 'wonderland', undefined],
      ['', '', undefined],
      ['__proto__', '', undefined],
    ];
    for (const [user, password, expected] of attempts) {
      assert.equal((await accounts.authenticate(user, password))?.user, expected);
    }
  });

  test('follows a password file from a hash to a plain password to nothing', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'alice');
    const accounts = new Accounts([account('alice', { kind: 'file', path })]);
    const logIn = async (password: string) =>
      (await accounts.authenticate('alice', password))?.user;
    assert.equal(await logIn(''), undefined);
    await writeFile(path, `${hash}\n`);
    assert.equal(await logIn('secret'), 'alice');
    await writeFile(path, 'changed');
    assert.equal(await logIn('secret'), undefined);
    assert.equal(await logIn('changed'), 'alice');
    await writeFile(path, '$scrypt$broken');
    assert.equal(await logIn('$scrypt$broken'), undefined);
    await rm(path);
    assert.equal(await logIn('changed'), undefined);
  });

  test('costs one hash whether the user is unknown or the password wrong', async () => {
    const { checker, computed } = countingChecker();
    const accounts = new Accounts(
      [plain('alice', 'wonderland'), account('bob', { kind: 'hash', value: hash })],
      { checker },
    );
    for (const [index, user] of ['bob', 'carol', 'alice', 'carol'].entries()) {
      assert.equal(await accounts.authenticate(user, `wrong ${index}`), undefined);
      assert.equal(computed(), index + 1);
    }
  });

  test('costs no hash at all where every password is plain', async () => {
    const { checker, computed } = countingChecker();
    const accounts = new Accounts([plain('alice', 'wonderland')], { checker });
    assert.equal(await accounts.authenticate('carol', 'wrong'), undefined);
    assert.equal(await accounts.authenticate('alice', 'wrong'), undefined);
    assert.equal(computed(), 0);
  });

  test('stops waiting when the signal aborts, before or meanwhile', async () => {
    let finish: (() => void) | undefined;
    const verify = () => new Promise<boolean>((resolve) => (finish = () => resolve(true)));
    const checker = new PasswordChecker({ verify });
    const accounts = new Accounts([account('bob', { kind: 'hash', value: hash })], { checker });
    const gone = new Error('the session is gone');
    await assert.rejects(accounts.authenticate('bob', 'secret', AbortSignal.abort(gone)), gone);
    const abort = new AbortController();
    const login = accounts.authenticate('bob', 'secret', abort.signal);
    abort.abort(gone);
    await assert.rejects(login, gone);
    finish?.();
  });

  test('with a signal that never aborts gives the account', async () => {
    const accounts = new Accounts([plain('alice', 'wonderland')]);
    const { signal } = new AbortController();
    assert.equal((await accounts.authenticate('alice', 'wonderland', signal))?.user, 'alice');
  });
});
