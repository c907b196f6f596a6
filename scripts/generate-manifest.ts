/**
 * Writes deploy/cos-ftp-gateway.yaml, the operator as one plain file for people without Helm: what the
 * chart makes of its default values in the namespace cosftp-system, without the marks of Helm. Needs
 * `helm` on PATH. Run it after every change of the chart, the custom resource or the permissions:
 *
 *     npx node scripts/generate-manifest.ts
 *
 * test/generated.test.ts fails while the file is older than the chart, where helm is there to tell.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Document, parseAllDocuments } from 'yaml';

export const manifestFile: URL = new URL('../deploy/cos-ftp-gateway.yaml', import.meta.url);
const chartFolder = fileURLToPath(new URL('../charts/cos-ftp-gateway', import.meta.url));

const namespace = 'cosftp-system';
const name = 'cos-ftp-gateway-operator';

const head = `# Generated from charts/cos-ftp-gateway by scripts/generate-manifest.ts; do not edit.
#
# The operator of the COS FTP gateway for all namespaces, with its custom resource:
#
#   kubectl apply --server-side -f cos-ftp-gateway.yaml
#   kubectl -n ${namespace} rollout status deployment/${name}
#
# Change both images below (image: and --gateway-image=) when your nodes pull from a registry of yours.
# Then apply an FtpGateway: examples/kubernetes/embedded.yaml.
apiVersion: v1
kind: Namespace
metadata:
  name: ${namespace}
  labels:
    pod-security.kubernetes.io/enforce: restricted
`;

/** What only a release of Helm has a use for. */
const helmMarks = [
  ['metadata', 'labels', 'helm.sh/chart'],
  ['metadata', 'labels', 'app.kubernetes.io/managed-by'],
  ['metadata', 'annotations', 'helm.sh/resource-policy'],
];

/** What deploy/cos-ftp-gateway.yaml has to contain. @throws when helm is missing or refuses the chart. */
export async function renderManifest(): Promise<string> {
  const args = [
    'template',
    name,
    chartFolder,
    '-n',
    namespace,
    '--set',
    `fullnameOverride=${name}`,
  ];
  const documents = parseAllDocuments(await runHelm(args)) as Document.Parsed[];
  const texts = documents.filter(({ contents }) => contents !== null).map(withoutHelmMarks);
  return [head, ...texts].join('---\n');
}

function withoutHelmMarks(document: Document.Parsed): string {
  // Helm says the template's path in the comment before each object.
  document.commentBefore = null;
  if (document.contents) document.contents.commentBefore = null;
  for (const path of helmMarks) {
    if (document.hasIn(path)) document.deleteIn(path);
    const parent = path.slice(0, -1);
    const left = document.getIn(parent, true);
    if (left !== undefined && JSON.stringify(left) === '{}') document.deleteIn(parent);
  }
  return document.toString({ directives: false, lineWidth: 0, flowCollectionPadding: false });
}

/** With folders of its own, so that nobody's Helm settings show in the result. */
async function runHelm(args: readonly string[]): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'helm-home-'));
  const folders = ['HELM_CACHE_HOME', 'HELM_CONFIG_HOME', 'HELM_DATA_HOME'];
  const env = { ...process.env, ...Object.fromEntries(folders.map((folder) => [folder, home])) };
  try {
    const options = { env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 };
    return (await promisify(execFile)('helm', [...args], options)).stdout;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

if (import.meta.main) await writeFile(manifestFile, await renderManifest());
