/**
 * The states of one upload and what each of them holds, so that nothing held can be forgotten when it
 * fails.
 *
 *                       part 1 full and one byte more
 *      receiving ──────────────────────────────► sending
 *          │ end of data: part 1 is all there is    │ end of data
 *          ▼                                        │
 *        ending  ◄──────────────────────────────────┘
 *          │ parts stored and compared, evidence asked: now PUT or Complete
 *          ▼
 *      committing ──► stored         failure, refusal or `discard` in any state before `stored`:
 *                                      … ──► failed ──► discarded
 */

import type { FillingPart, SealedPart } from './part.ts';
import type { PartSender } from './part-sender.ts';

export type UploadState =
  /**
   * Bytes go into a starter, then into part 1; the store knows nothing yet. `probe` waits for the byte
   * after a full part 1.
   */
  | {
      name: 'receiving';
      starter?: FillingPart | undefined;
      part?: FillingPart | undefined;
      probe?: FillingPart | undefined;
    }
  | { name: 'sending'; sender: PartSender; part?: FillingPart | undefined }
  /** The data ended: `body` is all of it (absent: no bytes), or `sender` has the parts. */
  | { name: 'ending'; body?: SealedPart | undefined; sender?: PartSender | undefined }
  | { name: 'committing'; body?: SealedPart | undefined; sender?: PartSender | undefined }
  | { name: 'stored' }
  /** Memory a caller may still write to is kept until it says that it does not any more. */
  | ({ name: 'failed'; error: unknown } & Holdings)
  | { name: 'discarded'; error: unknown };

export interface Holdings {
  readonly memory: readonly { release(): void }[];
  readonly sender?: PartSender | undefined;
}

export type UploadStateName = UploadState['name'];

export const successors = {
  receiving: ['sending', 'ending', 'failed'],
  sending: ['ending', 'failed'],
  ending: ['committing', 'failed'],
  committing: ['stored', 'failed'],
  stored: [],
  failed: ['discarded'],
  discarded: [],
} as const satisfies Record<UploadStateName, readonly UploadStateName[]>;

/** What has to be given back when this state fails. */
export function holdings(state: UploadState): Holdings {
  switch (state.name) {
    case 'receiving':
      return {
        memory: [state.starter, state.part, state.probe].filter((part) => part !== undefined),
      };
    case 'sending':
      return { memory: state.part ? [state.part] : [], sender: state.sender };
    case 'ending':
    case 'committing':
      return { memory: state.body ? [state.body] : [], sender: state.sender };
    case 'failed':
      return state;
    case 'stored':
    case 'discarded':
      return { memory: [] };
  }
}
