/**
 * Words of the resource that the gateway of this version refuses: its shards would never become ready.
 * One row per word, to be taken out when the gateway learns it. Pure.
 */
import type { FtpGatewaySpec } from '#operator/api/ftp-gateway.ts';

interface UnsupportedWord {
  readonly word: string;
  readonly isUsed: (spec: FtpGatewaySpec) => boolean;
}

const unsupportedWords: readonly UnsupportedWord[] = [
  { word: 'spec.tls.implicit', isUsed: ({ tls }) => tls?.implicit === true },
];

/** A sentence for each such word, for Accepted and an Event. */
export function unsupportedWarnings(spec: FtpGatewaySpec): string[] {
  return unsupportedWords
    .filter(({ isUsed }) => isUsed(spec))
    .map(({ word }) => `${word}: this version of the gateway refuses it and will not become ready`);
}
