/** The simulation proves nothing about COS unless its bucket behaves as one: the suite of every driver. */
import { systemClock } from '#gateway/kit/clock.ts';
import { seededRandom } from '#test/support/random.ts';
import { describeObjectStore } from '../contract/object-store.ts';
import { SimulatedCos } from './cos.ts';
import { Weather } from './fault.ts';
import { SimulatedStore } from './store.ts';

describeObjectStore('the bucket of the simulation', async () => ({
  store: new SimulatedStore({
    cos: new SimulatedCos(systemClock),
    weather: new Weather(seededRandom(1), { trouble: 0 }),
    // Without the network's time: a call is as fast as its timers.
    worldClock: { ...systemClock, setTimer: (_, fire) => systemClock.setTimer(0, fire) },
    clock: systemClock,
    random: Math.random,
    killed: new AbortController().signal,
    name: 'contract',
  }),
  prefix: 'contract/',
  [Symbol.asyncDispose]: async () => undefined,
}));
