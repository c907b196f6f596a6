/**
 * Writes crds/cosftp.io_ftpgateways.yaml, the definition of FtpGateway, from operator/api. Run it after
 * every change of the schema or its rules:
 *
 *     npx node scripts/generate-crd.ts
 *
 * test/generated.test.ts fails while the file is older than the schema.
 */
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { ftpGatewayDefinition } from '#operator/api/crd.ts';

export const crdFile: URL = new URL('../crds/cosftp.io_ftpgateways.yaml', import.meta.url);

/** What the file has to contain. */
export function renderCrd(): string {
  const head = '# Generated from operator/api by scripts/generate-crd.ts; do not edit.\n';
  const text = stringify(ftpGatewayDefinition(), { lineWidth: 0, aliasDuplicateObjects: false });
  return head + text;
}

if (import.meta.main) await writeFile(crdFile, renderCrd());
