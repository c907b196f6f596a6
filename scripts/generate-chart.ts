/**
 * Writes what the operator's chart takes from the product, into charts/cos-ftp-gateway/files: the
 * definition of FtpGateway, from crds/, and the rules of the operator's roles, from
 * operator/api/permissions.ts. Run it after a change of either, and generate-manifest.ts afterwards:
 *
 *     npx node scripts/generate-chart.ts
 *
 * test/generated.test.ts fails while the files are older than what they are made from.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { type Permission, type PermissionScope, permissions } from '#operator/api/permissions.ts';

const filesFolder = new URL('../charts/cos-ftp-gateway/files/', import.meta.url);
const definitionFile = new URL('../crds/cosftp.io_ftpgateways.yaml', import.meta.url);

export const chartRulesFile: URL = new URL('operator-rules.yaml', filesFolder);
export const chartDefinitionFile: URL = new URL('ftpgateways-crd.yaml', filesFolder);

const scopeNames = {
  watched: 'watchedNamespaces',
  own: 'ownNamespace',
} as const satisfies Record<PermissionScope, string>;

const head = (source: string) =>
  `# Generated from ${source} by scripts/generate-chart.ts; do not edit.\n`;

/** What files/operator-rules.yaml has to contain: one rule a permission, below its reason. */
export function renderChartRules(): string {
  const sections = Object.entries(scopeNames).map(([scope, name]) => {
    const rules = permissions.filter((permission) => permission.scope === scope).map(renderRule);
    return `${name}:\n${rules.join('')}`;
  });
  return head('operator/api/permissions.ts') + sections.join('');
}

/** Names of single objects, as the chart's templates know them. */
const objectNames = {
  lease: '{{ include "operator.leaseName" . }}',
} as const satisfies Record<NonNullable<Permission['only']>, string>;

function renderRule({ group, resource, verbs, only, reason }: Permission): string {
  const names = only === undefined ? '' : `    resourceNames: ['${objectNames[only]}']\n`;
  return `  # ${reason}
  - apiGroups: [${JSON.stringify(group)}]
    resources: [${resource}]
${names}    verbs: [${verbs.join(', ')}]
`;
}

/** What files/ftpgateways-crd.yaml has to contain: uninstalling the chart deletes no gateway. */
export async function renderChartDefinition(): Promise<string> {
  const source = await readFile(definitionFile, 'utf8');
  const definition = parseDocument(source.replace(/^(#.*\n)+/, ''));
  definition.setIn(['metadata', 'annotations', 'helm.sh/resource-policy'], 'keep');
  const text = definition.toString({ lineWidth: 0, flowCollectionPadding: false });
  return head('crds/cosftp.io_ftpgateways.yaml') + text;
}

if (import.meta.main) {
  await writeFile(chartRulesFile, renderChartRules());
  await writeFile(chartDefinitionFile, await renderChartDefinition());
}
