import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { imageProblem, repositoryOf } from '#operator/plan/images.ts';

describe('the repository of an image', () => {
  const cases = {
    'cos-ftp-gateway': 'cos-ftp-gateway',
    'cos-ftp-gateway:1.2': 'cos-ftp-gateway',
    'host:5000/team/gateway': 'host:5000/team/gateway',
    'host:5000/team/gateway:1@sha256:00ff': 'host:5000/team/gateway',
    'team/gateway@sha256:00ff': 'team/gateway',
  };
  for (const [image, repository] of Object.entries(cases)) {
    test(`${image} is ${repository}`, () => assert.equal(repositoryOf(image), repository));
  }
});

test('an image is taken from the allowed repositories, in any version, and from no other', () => {
  const allowed = ['host:5000/team/gateway'];
  assert.equal(imageProblem('host:5000/team/gateway:2', allowed), undefined);
  assert.match(imageProblem('host:5000/team/gateway2:2', allowed) ?? '', /gateway2 is not one/);
});
