import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  claimsPasswordHash,
  formatPasswordHash,
  parsePasswordHash,
} from '#gateway/kit/password-hash.ts';

const salt = 'AAAAAAAAAAAAAAAAAAAAAA';
const hash = 'BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB';
const good = `$scrypt$ln=15,r=8,p=1$${salt}$${hash}`;

test('a hash read and written again is the same text', () => {
  const shape = {
    costLog2: 15,
    blockSize: 8,
    parallelism: 1,
    salt: Buffer.from('sixteen bytes ok'),
    hash: Buffer.alloc(32, 7),
  };
  const text = formatPasswordHash(shape);
  assert.match(text, /^\$scrypt\$ln=15,r=8,p=1\$[^=$]+\$[^=$]+$/);
  assert.deepEqual(parsePasswordHash(text), shape);
});

describe('costs at the edge of what is allowed', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['ln=9,r=8,p=1', false],
    ['ln=10,r=8,p=1', true],
    ['ln=18,r=8,p=1', true],
    ['ln=19,r=8,p=1', false],
    ['ln=15,r=64,p=1', true],
    ['ln=15,r=65,p=1', false],
    ['ln=15,r=0,p=1', false],
    ['ln=15,r=8,p=0', false],
    ['ln=15,r=8,p=16', true],
    ['ln=15,r=8,p=17', false],
  ];
  for (const [parameters, isAllowed] of cases) {
    test(`${parameters} is ${isAllowed ? 'taken' : 'refused'}`, () => {
      const parsed = parsePasswordHash(`$scrypt$${parameters}$${salt}$${hash}`);
      assert.equal(parsed !== undefined, isAllowed);
    });
  }
});

describe('texts that are no hash', () => {
  const cases = [
    '',
    'secret',
    '$scrypt$',
    good.slice(1),
    `${good} `,
    `${good}=`,
    good.replace('p=1', 'p=1,x=2'),
    `$scrypt$ln=15,r=8,p=1$short$${hash}`,
    `$argon2id$v=19$m=65536,t=3,p=4$${salt}$${hash}`,
  ];
  for (const text of cases) {
    test(JSON.stringify(text), () => assert.equal(parsePasswordHash(text), undefined));
  }
});

test('a text that only begins like a hash claims to be one, a plain password does not', () => {
  assert.equal(claimsPasswordHash('$scrypt$oops'), true);
  assert.equal(claimsPasswordHash('$2b$10$x'), false);
});
