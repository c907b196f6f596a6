import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutSentences } from '#gateway/ftp/cut.ts';
import type { FtpErrorKind } from '#gateway/ftp/errors.ts';
import type { SessionObserver } from '#gateway/ftp-srv/services.ts';
import { createMetrics, type Metrics } from '#gateway/observe/metrics.ts';
import type { StoreErrorKind } from '#gateway/storage/object-store.ts';
import type { TransferErrorKind } from '#gateway/transfer/errors.ts';

const create = () =>
  createMetrics({
    build: { version: '1.2.3', revision: 'abc' },
    store: { operations: ['PutObject', 'GetObject'], retryReasons: ['throttled', 'key'] },
    verbs: ['STOR', 'RETR'],
  });

/** The value of one series, or undefined when it is not there. */
async function read(metrics: Metrics, series: string): Promise<number | undefined> {
  const line = (await metrics.render()).split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const familyNames = [
  'cosftp_build_info',
  'cosftp_commands_total',
  'cosftp_config_last_reload_successful',
  'cosftp_config_last_reload_timestamp_seconds',
  'cosftp_config_reloads_total',
  'cosftp_cos_request_duration_seconds',
  'cosftp_cos_requests_total',
  'cosftp_cos_retries_total',
  'cosftp_data_connect_wait_seconds',
  'cosftp_data_connections_refused_total',
  'cosftp_data_connections_total',
  'cosftp_draining',
  'cosftp_fast_path',
  'cosftp_bandwidth_wait_seconds_total',
  'cosftp_integrity_checks_total',
  'cosftp_listings_total',
  'cosftp_log_lines_lost_total',
  'cosftp_logins_total',
  'cosftp_masquerade_changes_total',
  'cosftp_masquerade_info',
  'cosftp_multipart_orphans_aborted_total',
  'cosftp_multipart_uploads_open',
  'cosftp_passive_ports',
  'cosftp_passive_ports_limit',
  'cosftp_replies_total',
  'cosftp_session_duration_seconds',
  'cosftp_sessions',
  'cosftp_sessions_refused_total',
  'cosftp_sessions_total',
  'cosftp_tls_certificate_loads_total',
  'cosftp_tls_certificate_not_after_timestamp_seconds',
  'cosftp_tls_handshakes_total',
  'cosftp_transfer_bytes_total',
  'cosftp_transfer_duration_seconds',
  'cosftp_transfer_size_bytes',
  'cosftp_transfers_in_flight',
  'cosftp_transfers_total',
  'cosftp_upload_buffer_bytes',
  'cosftp_upload_buffer_limit_bytes',
  'cosftp_upload_buffer_waiting',
  'cosftp_upload_finalize_seconds',
];

test('the names of the metrics are a contract with dashboards and alerts', async () => {
  const names = [...(await create().render()).matchAll(/^# TYPE (cosftp_\w+)/gm)];
  assert.deepEqual(new Set(names.map(([, name]) => name)), new Set(familyNames));
});

test('the text keeps the rules promtool checks', async () => {
  const text = await create().render();
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  assert.ok(types.length > familyNames.length, 'process metrics are there too');
  for (const [, name = '', type] of types) {
    assert.ok(new RegExp(`^# HELP ${name} \\S`, 'm').test(text), `${name} has no help`);
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
  }
});

test('every label set is there before anything happened', async () => {
  const metrics = create();
  for (const series of [
    'cosftp_transfers_total{direction="upload",result="completed",reason="none"}',
    'cosftp_transfers_total{direction="upload",result="truncated",reason="data-reset"}',
    'cosftp_transfers_total{direction="download",result="failed",reason="corrupt"}',
    'cosftp_transfers_total{direction="upload",result="rejected",reason="too-large"}',
    'cosftp_transfers_in_flight{direction="download"}',
    'cosftp_transfer_bytes_total{direction="upload"}',
    'cosftp_transfer_duration_seconds_count{direction="download"}',
    'cosftp_logins_total{result="failure"}',
    'cosftp_sessions{state="idle"}',
    'cosftp_commands_total{command="STOR"}',
    'cosftp_commands_total{command="other"}',
    'cosftp_replies_total{class="5xx"}',
    'cosftp_data_connections_total{mode="pasv",result="no-port"}',
    'cosftp_passive_ports{state="busy"}',
    'cosftp_cos_requests_total{operation="PutObject",code="OK"}',
    'cosftp_cos_request_duration_seconds_count{operation="GetObject"}',
    'cosftp_integrity_checks_total{stage="object",result="mismatch"}',
  ]) {
    assert.equal(await read(metrics, series), 0, series);
  }
});

test('bytes rise while a transfer is under way', async () => {
  const metrics = create();
  const series = 'cosftp_transfer_bytes_total{direction="upload"}';
  metrics.transferStarted('upload');
  metrics.transferBytes('upload', 1000);
  assert.equal(await read(metrics, series), 1000);
  metrics.transferBytes('upload', 500);
  metrics.transferBytes('download', 7);
  assert.equal(await read(metrics, series), 1500);
  assert.equal(await read(metrics, series), 1500);
  assert.equal(await read(metrics, 'cosftp_transfers_in_flight{direction="upload"}'), 1);
});

test('a completed transfer is counted once, with its duration and size', async () => {
  const metrics = create();
  metrics.transferStarted('upload');
  metrics.transferEnded({ direction: 'upload', result: 'completed', seconds: 2, bytes: 5000 });
  const labels = 'direction="upload"';
  assert.equal(await read(metrics, `cosftp_transfers_in_flight{${labels}}`), 0);
  assert.equal(
    await read(metrics, `cosftp_transfers_total{${labels},result="completed",reason="none"}`),
    1,
  );
  assert.equal(await read(metrics, `cosftp_transfer_duration_seconds_sum{${labels}}`), 2);
  assert.equal(await read(metrics, `cosftp_transfer_size_bytes_sum{${labels}}`), 5000);
});

test('a reason nobody declared is counted as other, so that labels stay few', async () => {
  const metrics = create();
  for (const reason of ['surprise', '/etc/passwd']) {
    metrics.transferStarted('upload');
    metrics.transferEnded({ direction: 'upload', result: 'failed', reason, seconds: 1, bytes: 0 });
  }
  const series = 'cosftp_transfers_total{direction="upload",result="failed",reason="other"}';
  assert.equal(await read(metrics, series), 2);
  assert.ok(!(await metrics.render()).includes('surprise'));
});

/** A kind added to a room does not compile until it stands here. */
const errorKinds = {
  missing: 'rejected',
  'bucket-missing': 'failed',
  'upload-missing': 'failed',
  denied: 'rejected',
  credentials: 'failed',
  archived: 'rejected',
  changed: 'failed',
  exists: 'rejected',
  'invalid-name': 'rejected',
  'invalid-range': 'rejected',
  'too-large': 'rejected',
  corrupt: 'failed',
  throttled: 'failed',
  unavailable: 'failed',
  network: 'failed',
  timeout: 'failed',
  aborted: 'failed',
  rejected: 'failed',
  refused: 'failed',
  'no-memory': 'failed',
  'no-port': 'failed',
  'no-data-connection': 'failed',
  'not-connected': 'failed',
  'reservation-gone': 'failed',
  'tls-failed': 'rejected',
  'tls-not-resumed': 'rejected',
  'tls-timeout': 'failed',
  'not-a-directory': 'rejected',
  'not-a-file': 'rejected',
  closed: 'failed',
} as const satisfies Record<
  | StoreErrorKind
  | Exclude<TransferErrorKind, 'source-kept' | 'target-taken' | 'unsettled'>
  | FtpErrorKind,
  'rejected' | 'failed'
>;

test('every kind of error and of cut is a reason of its own', async () => {
  const text = await create().render();
  const labels = (result: string, reason: string) => `result="${result}",reason="${reason}"`;
  for (const [kind, result] of Object.entries(errorKinds)) {
    assert.ok(text.includes(labels(result, kind)), kind);
  }
  for (const reason of Object.keys(cutSentences)) {
    assert.ok(text.includes(labels('discarded', reason)), reason);
    assert.ok(text.includes(labels('truncated', reason)), reason);
  }
});

test('a listing is no file transfer', async () => {
  const metrics = create();
  metrics.transferStarted('listing');
  metrics.transferBytes('listing', 10_000);
  metrics.transferEnded({ direction: 'listing', result: 'completed', seconds: 1, bytes: 10_000 });
  assert.equal(await read(metrics, 'cosftp_listings_total{result="completed"}'), 1);
  assert.equal(await read(metrics, 'cosftp_transfer_bytes_total{direction="download"}'), 0);
  assert.ok(!(await metrics.render()).includes('direction="listing"'));
});

test('sessions are told apart by whether a transfer is under way', async () => {
  const metrics = create();
  for (let count = 0; count < 3; count++) metrics.sessionOpened();
  metrics.transferStarted('listing');
  assert.equal(await read(metrics, 'cosftp_sessions{state="transfer"}'), 1);
  assert.equal(await read(metrics, 'cosftp_sessions{state="idle"}'), 2);
  metrics.transferEnded({ direction: 'listing', result: 'completed', seconds: 1, bytes: 0 });
  metrics.sessionClosed(12);
  metrics.sessionClosed(3, 'explicit');
  assert.equal(await read(metrics, 'cosftp_sessions{state="idle"}'), 1);
  assert.equal(await read(metrics, 'cosftp_sessions_total{tls="explicit"}'), 1);
  assert.equal(await read(metrics, 'cosftp_session_duration_seconds_sum'), 15);
});

test('commands and replies land in closed sets', async () => {
  const metrics = create();
  metrics.command('STOR');
  metrics.command('X'.repeat(1000));
  metrics.reply(226);
  metrics.reply(999);
  assert.equal(await read(metrics, 'cosftp_commands_total{command="STOR"}'), 1);
  assert.equal(await read(metrics, 'cosftp_commands_total{command="other"}'), 1);
  assert.equal(await read(metrics, 'cosftp_replies_total{class="2xx"}'), 1);
});

test('the codes a server can put into the metrics are bounded in number and shape', async () => {
  const metrics = create();
  for (let index = 0; index < 200; index++) {
    metrics.cosRequest({ operation: 'PutObject', code: `Code${index}`, seconds: 0.1 });
  }
  metrics.cosRequest({ operation: 'PutObject', code: 'a "quoted"\ncode', seconds: 0.1 });
  const series = (await metrics.render()).match(
    /^cosftp_cos_requests_total\{operation="PutObject"/gm,
  );
  assert.equal(series?.length, 65);
  const seconds = 'cosftp_cos_request_duration_seconds_count{operation="PutObject"}';
  assert.equal(await read(metrics, seconds), 201);
});

test('gauges ask their sources at each scrape', async () => {
  const metrics = create();
  let busy = 1;
  metrics.watch({ passivePorts: () => ({ busy, free: 14, unbound: 1 }) });
  metrics.watch({
    partMemory: () => ({ usedBytes: 3, limitBytes: 9, waiting: 2 }),
    lostLogLines: () => busy * 10,
  });
  assert.equal(await read(metrics, 'cosftp_passive_ports{state="busy"}'), 1);
  assert.equal(await read(metrics, 'cosftp_passive_ports_limit'), 16);
  busy = 2;
  assert.equal(await read(metrics, 'cosftp_passive_ports{state="busy"}'), 2);
  assert.equal(await read(metrics, 'cosftp_upload_buffer_bytes'), 3);
  assert.equal(await read(metrics, 'cosftp_log_lines_lost_total'), 20);
});

test('one source of the announced address is 1 and the others are 0', async () => {
  const metrics = create();
  metrics.masqueradeSource('config');
  metrics.masqueradeSource('file');
  assert.equal(await read(metrics, 'cosftp_masquerade_info{source="file"}'), 1);
  assert.equal(await read(metrics, 'cosftp_masquerade_info{source="config"}'), 0);
});

test('without TLS there is no certificate date that an alert could mistake', async () => {
  const metrics = create();
  const series = 'cosftp_tls_certificate_not_after_timestamp_seconds';
  assert.equal(await read(metrics, series), undefined);
  metrics.certificateLoaded(1_800_000_000);
  assert.equal(await read(metrics, series), 1_800_000_000);
});

test('a failed reload keeps the time of the last good one', async () => {
  const metrics = create();
  assert.equal(await read(metrics, 'cosftp_config_last_reload_successful'), undefined);
  metrics.configLoaded(100);
  assert.equal(await read(metrics, 'cosftp_config_last_reload_successful'), 1);
  metrics.configReloaded('failed', 200);
  assert.equal(await read(metrics, 'cosftp_config_last_reload_successful'), 0);
  assert.equal(await read(metrics, 'cosftp_config_last_reload_timestamp_seconds'), 100);
  metrics.configReloaded('ok', 300);
  assert.equal(await read(metrics, 'cosftp_config_last_reload_successful'), 1);
  assert.equal(await read(metrics, 'cosftp_config_last_reload_timestamp_seconds'), 300);
  assert.equal(await read(metrics, 'cosftp_config_reloads_total{result="ok"}'), 1);
  assert.equal(await read(metrics, 'cosftp_config_reloads_total{result="failed"}'), 1);
});

test('the metrics are the observer the FTP server asks for', () => {
  const observer: SessionObserver = create();
  observer.sessionOpened();
});
