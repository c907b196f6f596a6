/**
 * What transfers tell a metrics collector, while it happens: a three-hour upload must be visible before
 * it ends. `observe` satisfies it; nothing here may throw or wait. Never a key, a user or an address.
 */

/** What was compared with the store's CRC-64. `part` counts once per part, the others once per object. */
export type IntegrityStage = 'part' | 'put' | 'complete' | 'copy' | 'download';

/** `absent`: the store sent no CRC-64; accepted on size, and on Content-MD5 where that was sent. */
export type IntegrityResult = 'verified' | 'absent' | 'mismatch';

/** `left-open`: an abort was not possible; a lifecycle rule or the janitor has to clear it. */
export type MultipartEnd = 'completed' | 'aborted' | 'left-open';

export interface TransferObserver {
  integrityChecked(stage: IntegrityStage, result: IntegrityResult): void;
  multipartOpened(): void;
  multipartEnded(end: MultipartEnd): void;
  /** +1 when a part or range starts moving between us and the store, −1 when that ended. */
  partsInFlight(direction: 'upload' | 'download', change: 1 | -1): void;
  /** From the last byte to the verified object: what a client waits between its FIN and 226. */
  uploadFinalized(seconds: number): void;
}

export const silentObserver: TransferObserver = {
  integrityChecked: () => undefined,
  multipartOpened: () => undefined,
  multipartEnded: () => undefined,
  partsInFlight: () => undefined,
  uploadFinalized: () => undefined,
};
