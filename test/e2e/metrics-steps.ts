/** What Prometheus knows after a scripted run is exactly what was done. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { readJson, root, run } from './cluster.ts';
import { demoLogin } from './demo.ts';
import {
  inNamespace,
  namespace,
  readShardPods,
  waitAddress,
  waitQuiet,
  waitReady,
} from './gateways.ts';
import { operatorNamespace, readOperatorPod } from './operator.ts';
import {
  checkMetrics,
  type Prometheus,
  prometheusAbsence,
  readMetrics,
  startPrometheus,
} from './prometheus.ts';
import { assertNoneFailed, curlList, curlRead, probe, type SessionsResult } from './sessions.ts';
import { step, tell } from './step.ts';
import { testBedAbsence } from './test-bed.ts';

/** A gateway of its own, so that every counter begins at zero. */
const measured = 'measured';
const replicas = 2;
const sessions = 30;
const ports = { gateway: 9121, operator: 8080 } as const;
const absence = testBedAbsence || prometheusAbsence;

export function metricsSteps(): void {
  step(
    'promtool finds nothing to object to in the metrics of gateway and operator',
    async () => {
      await applyMeasured();
      const operator = await readOperatorPod();
      await checkMetrics(
        await readMetrics(operatorNamespace, operator.metadata.name, ports.operator),
      );
      const [pod] = await readShardPods(measured);
      await checkMetrics(await readMetrics(namespace, pod?.metadata.name ?? '', ports.gateway));
    },
    { skip: prometheusAbsence },
  );

  step(
    'Prometheus finds both by their annotations, and its numbers are those of the run',
    async () => {
      const address = await waitAddress(measured);
      await using prometheus = await startPrometheus();
      const result = await probe({ address, login: demoLogin, sessions });
      assertNoneFailed(result);
      await assert.rejects(curlList({ ...demoLogin, password: 'wrong' }, address), /530|denied/i);
      await assert.rejects(curlRead(demoLogin, address, 'missing.txt'), /550|denied|not exist/i);
      await prometheus.waitForScrape(`up{gateway="${measured}"}`, replicas);
      await compare(prometheus, expectedOfGateway(result));
      await waitQuiet(measured);
      await prometheus.waitForScrape(`up{namespace="${operatorNamespace}"}`, 1);
      await compare(prometheus, await expectedOfOperator());
    },
    { skip: absence },
  );

  step(
    'a gateway that is deleted takes everything with it',
    async () => {
      await inNamespace('delete', 'ftpgw', measured, '--timeout=60s');
    },
    { skip: prometheusAbsence },
  );
}

/** The embedded example under another name, with more shards than one. */
async function applyMeasured(): Promise<void> {
  const example = await readFile(`${root}examples/kubernetes/embedded.yaml`, 'utf8');
  const gateway = parseAllDocuments(example)
    .map((document) => document.toJS() as { kind: string; spec: object })
    .find(({ kind }) => kind === 'FtpGateway');
  const manifest = {
    ...gateway,
    metadata: { name: measured },
    spec: { ...gateway?.spec, replicas },
  };
  await run(['kubectl', '-n', namespace, 'apply', '-f', '-'], { input: JSON.stringify(manifest) });
  await waitReady(measured);
}

type Expected = Readonly<Record<string, number>>;

/** The scripted run: all sessions of probe, one refused login, one missing file. */
function expectedOfGateway({ uploadedBytes }: SessionsResult): Expected {
  const of = (labels: string) => `{gateway="${measured}"${labels}}`;
  return {
    [`count(up${of('')} == 1)`]: replicas,
    [`sum(cosftp_transfers_total${of(',direction="upload",result="completed"')})`]: sessions,
    [`sum(cosftp_transfers_total${of(',direction="upload",result!="completed"')})`]: 0,
    [`sum(cosftp_transfers_total${of(',direction="download",result="completed"')})`]: sessions,
    [`sum(cosftp_transfers_total${of(',direction="download",reason="missing"')})`]: 1,
    [`sum(cosftp_transfer_bytes_total${of(',direction="upload"')})`]: uploadedBytes,
    [`sum(cosftp_transfer_bytes_total${of(',direction="download"')})`]: uploadedBytes,
    [`sum(cosftp_transfer_size_bytes_sum${of(',direction="upload"')})`]: uploadedBytes,
    [`sum(cosftp_listings_total${of(',result="completed"')})`]: sessions,
    [`sum(cosftp_logins_total${of(',result="success"')})`]: sessions + 1,
    [`sum(cosftp_logins_total${of(',result="failure"')})`]: 1,
    [`sum(cosftp_sessions_total${of('')})`]: sessions + 2,
    [`sum(cosftp_sessions${of('')})`]: 0,
    [`sum(cosftp_transfers_in_flight${of('')})`]: 0,
  };
}

/** At rest, so that its own text says the same a moment later. */
async function expectedOfOperator(): Promise<Expected> {
  const { items } = await readJson<{ items: unknown[] }>('get', 'ftpgw', '-A');
  const { metadata } = await readOperatorPod();
  const text = await readMetrics(operatorNamespace, metadata.name, ports.operator);
  const successes = valueIn(text, 'cosftp_operator_reconciles_total{result="success"}');
  assert.ok(successes > 0, 'some runs left nothing to do');
  const of = (labels: string) => `{namespace="${operatorNamespace}"${labels}}`;
  return {
    [`count(up${of('')} == 1)`]: 1,
    [`cosftp_operator_leader${of('')}`]: 1,
    [`cosftp_operator_cached_objects${of(',kind="FtpGateway"')}`]: items.length,
    [`cosftp_operator_queue_depth${of('')}`]: 0,
    [`cosftp_operator_reconciles_total${of(',result="success"')}`]: successes,
    [`cosftp_operator_reconciles_total${of(',result="error"')}`]: 0,
  };
}

function valueIn(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  assert.ok(line, `${series} is in the text`);
  return Number(line.slice(series.length));
}

/** All at once, so that one wrong number does not hide the others. */
async function compare(prometheus: Prometheus, expected: Expected): Promise<void> {
  const asked = Object.keys(expected).map(async (query) => {
    const answer = await prometheus.ask(query);
    tell(query, answer);
    return [query, answer] as const;
  });
  assert.deepEqual(Object.fromEntries(await Promise.all(asked)), expected);
}
