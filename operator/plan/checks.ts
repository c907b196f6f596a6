/**
 * Whether a resource can be served: everything that is wrong with it, in sentences for Accepted=False.
 * The API server has refused most of this already; a resource may be older than a rule. Pure.
 */
import { type FtpGateway, type FtpGatewaySpec, specSchema } from '#operator/api/ftp-gateway.ts';
import { nameRule, specRules } from '#operator/api/rules.ts';
import { imageProblem } from './images.ts';
import { listenerProblem } from './profiles.ts';
import type { OperatorSettings } from './settings.ts';

export type CheckedSpec =
  | { readonly isGood: true; readonly spec: FtpGatewaySpec; readonly image: string }
  | { readonly isGood: false; readonly problems: readonly string[] };

export function checkGateway(gateway: FtpGateway, settings: OperatorSettings): CheckedSpec {
  const parsed = specSchema.safeParse(gateway.spec);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => {
      return `${['spec', ...path].join('.')}: ${message}`;
    });
    return { isGood: false, problems };
  }
  const spec = parsed.data;
  const image = spec.image ?? settings.gatewayImage;
  const problems = [
    nameRule.holds(gateway.metadata.name) ? undefined : nameRule.message,
    ...specRules.map((rule) => (rule.holds(spec) ? undefined : rule.message)),
    listenerProblem(spec),
    imageProblem(image, settings.allowedRepositories),
  ].filter((problem) => problem !== undefined);
  return problems.length > 0 ? { isGood: false, problems } : { isGood: true, spec, image };
}

/** What should be known about a resource that can be served. */
export function warningsAbout({ exposure, replicas }: FtpGatewaySpec): string[] {
  if (exposure.externalTrafficPolicy !== 'Local' || replicas < 2) return [];
  return [
    'externalTrafficPolicy Local loses data connections when shards are on several nodes: a node without the shard drops them',
  ];
}
