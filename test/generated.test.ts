/** Files that a script writes are the ones that the script would write now. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { needsHelm } from '#test/support/helm.ts';
import {
  chartDefinitionFile,
  chartRulesFile,
  renderChartDefinition,
  renderChartRules,
} from '../scripts/generate-chart.ts';
import { crc64ModuleFile, renderCrc64Module } from '../scripts/generate-crc64.ts';
import { crdFile, renderCrd } from '../scripts/generate-crd.ts';
import { manifestFile, renderManifest } from '../scripts/generate-manifest.ts';

test('the compiled CRC-64 module is that of its text', async () => {
  assert.equal(await readFile(crc64ModuleFile, 'utf8'), await renderCrc64Module());
});

test('the roles of the chart are those of the table of permissions', async () => {
  assert.equal(await readFile(chartRulesFile, 'utf8'), renderChartRules());
});

test('the definition in the chart is the generated one, kept when the chart goes', async () => {
  assert.equal(await readFile(chartDefinitionFile, 'utf8'), await renderChartDefinition());
});

test('the plain manifest is what the chart renders', { skip: needsHelm }, async () => {
  assert.equal(await readFile(manifestFile, 'utf8'), await renderManifest());
});

test('the definition of FtpGateway is that of its schema', async () => {
  assert.equal(await readFile(crdFile, 'utf8'), renderCrd());
});
