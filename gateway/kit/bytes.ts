/**
 * Byte sizes as people write them (`64Mi`, `200Gi`, `1048576`) and as we print them. Binary units only:
 * Kubernetes' quantity spelling, because the same words stand in the FtpGateway resource.
 */

const unitBytes = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const;

export const KiB: number = unitBytes.Ki;
export const MiB: number = unitBytes.Mi;
export const GiB: number = unitBytes.Gi;
export const TiB: number = unitBytes.Ti;

/** Bytes, or undefined when the text is not a whole number with an optional Ki, Mi, Gi or Ti. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,16})(Ki|Mi|Gi|Ti)?$/.exec(text.trim());
  if (!match?.[1]) return undefined;
  const factor = match[2] ? unitBytes[match[2] as keyof typeof unitBytes] : 1;
  const bytes = Number(match[1]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `1536` → `1.5 KiB`; at most one decimal, plain bytes below 1 KiB. */
export function formatBytes(bytes: number): string {
  const units = ['Ti', 'Gi', 'Mi', 'Ki'] as const;
  const unit = units.find((name) => bytes >= unitBytes[name]);
  if (!unit) return `${bytes} B`;
  return `${Number((bytes / unitBytes[unit]).toFixed(1))} ${unit}B`;
}
