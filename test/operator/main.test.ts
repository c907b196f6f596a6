import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runOperator } from '#test/support/operator.ts';
import packageFile from '../../package.json' with { type: 'json' };

describe('the operator as a command', () => {
  test('--help teaches and ends with 0', async () => {
    const { code, stdout } = await runOperator({ args: ['--help'] });
    assert.equal(code, 0);
    assert.match(stdout, /kubectl get ftpgw/);
    assert.match(stdout, /COSFTP_OPERATOR_GATEWAY_IMAGE/);
  });

  test('--version is that of the package', async () => {
    const { code, stdout } = await runOperator({ args: ['--version'] });
    assert.deepEqual([code, stdout], [0, `${packageFile.version}\n`]);
  });

  test('wrong options end with 2 and every problem', async () => {
    const { code, stderr } = await runOperator({ args: ['--workers=0'] });
    assert.equal(code, 2);
    assert.match(stderr, /--gateway-image is missing/);
    assert.match(stderr, /--workers is "0"/);
    assert.match(stderr, /--help/);
  });

  test('without a cluster it ends with 1 and says what to set', async () => {
    const { code, stdout, stderr } = await runOperator({
      args: ['--gateway-image=example.test/gateway:1'],
      env: { KUBECONFIG: '/nonexistent/kubeconfig' },
    });
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout + stderr, /KUBECONFIG/);
  });
});
