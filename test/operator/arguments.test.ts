import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { helpText, type OperatorOptions, parseArguments, variableOf } from '#operator/arguments.ts';

const image = 'example.test/cos-ftp-gateway:1';

function optionsOf(argv: readonly string[], env: Record<string, string> = {}): OperatorOptions {
  const parsed = parseArguments(argv, env);
  assert.equal(parsed.kind, 'run', JSON.stringify(parsed));
  return parsed.kind === 'run' ? parsed.options : assert.fail();
}

function problemsOf(argv: readonly string[], env: Record<string, string> = {}): readonly string[] {
  const parsed = parseArguments(argv, env);
  return parsed.kind === 'usage-error' ? parsed.problems : assert.fail(JSON.stringify(parsed));
}

describe("the operator's options", () => {
  test('need no more than the image of the gateways', () => {
    assert.deepEqual(optionsOf(['--gateway-image', image]), {
      gatewayImage: image,
      gatewayImagePullPolicy: 'IfNotPresent',
      allowedRepositories: ['example.test/cos-ftp-gateway'],
      watchNamespaces: [],
      metricsPort: 8080,
      probePort: 8081,
      leaderElection: 'on',
      leaseName: 'cos-ftp-gateway-operator',
      workers: 4,
      resyncMs: 300_000,
      logLevel: 'info',
    });
  });

  test('come from the environment too; an option given beats it, an empty variable is none', () => {
    const env = {
      COSFTP_OPERATOR_GATEWAY_IMAGE: image,
      COSFTP_OPERATOR_WATCH_NAMESPACES: 'a, b,,a',
      COSFTP_OPERATOR_METRICS_PORT: '1',
      COSFTP_OPERATOR_PROBE_PORT: '',
    };
    const options = optionsOf(['--metrics-port=2'], env);
    assert.deepEqual(options.watchNamespaces, ['a', 'b']);
    assert.equal(options.metricsPort, 2);
    assert.equal(options.probePort, 8081);
  });

  test('are refused with every problem at once', () => {
    const problems = problemsOf(['--metrics-port=65536', '--workers=0', '--log-level=loud']);
    assert.equal(problems.length, 4);
    assert.match(problems[0] ?? '', /--gateway-image is missing/);
  });

  test('end at their limits', () => {
    assert.equal(optionsOf(['--gateway-image', image, '--probe-port=65535']).probePort, 65_535);
    assert.equal(optionsOf(['--gateway-image', image, '--probe-port=0']).probePort, 0);
    for (const wrong of ['65536', '-1', '1.5', 'x', '']) {
      const found = problemsOf(['--gateway-image', image, `--probe-port=${wrong}`, '--workers=65']);
      assert.ok(found.length >= 1, wrong);
    }
  });

  test('unknown ones are named', () => {
    assert.match(problemsOf(['--gateway-imagee', image])[0] ?? '', /--gateway-imagee/);
  });

  test('help is asked for before anything is checked, and names every option with its variable', () => {
    assert.deepEqual(parseArguments(['--help'], {}), { kind: 'help' });
    assert.deepEqual(parseArguments(['--version'], {}), { kind: 'version' });
    const options = helpText().match(/^ {2}--[a-z-]+ /gm) ?? [];
    assert.ok(options.length >= 11);
    for (const option of options) {
      assert.ok(helpText().includes(variableOf(option.trim().slice(2))), option);
    }
  });
});
