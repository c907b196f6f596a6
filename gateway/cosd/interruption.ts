/** How a connection breaks when the fault script wants it. */
import type { Socket } from 'node:net';
import type { Clock } from '#gateway/kit/clock.ts';
import { resetSocket } from '#gateway/kit/reset-socket.ts';
import type { FaultActs } from './faults.ts';

export type Interruption = 'reset' | 'hang' | 'cut';

export type Interrupt = (how: Interruption) => void;

/** A scripted silence without a limit of its own. */
const hangMsMax = 10 * 60_000;

/** Of a request without faults. */
export const neverInterrupt: Interrupt = () => undefined;

export function interrupterOf(socket: Socket, acts: FaultActs, clock: Clock): Interrupt {
  const ways = {
    reset: () => resetSocket(socket),
    // What was written before is delivered first.
    cut: () => socket.destroySoon(),
    hang: () => {
      // Not even the idle timeout may end it.
      socket.setTimeout(0);
      clock.setTimer(acts.hang?.limitMs ?? hangMsMax, () => resetSocket(socket));
    },
  } satisfies Record<Interruption, () => unknown>;
  return (how) => {
    ways[how]();
  };
}
