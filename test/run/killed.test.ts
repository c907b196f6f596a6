import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killUploads } from '#test/support/killed-uploads.ts';

test('what a killed gateway leaves open its successor ends, and nothing of others', async () => {
  const { kills } = await killUploads(3, 20_261_122);
  assert.equal(kills, 3);
});
