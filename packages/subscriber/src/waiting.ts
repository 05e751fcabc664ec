import type { Clock, WebSubError } from '@websub/shared';
import type { Emitter } from './events.js';

/** What a wait sees: what it waits for, that it may yet come, or why it will not. */
export type Sight = 'there' | 'not yet' | WebSubError;

const TURNS = ['verified', 'renewed', 'denied', 'expired', 'unsubscribed'] as const;

/**
 * Looks now and after every turn in the life of a subscription. Settles with whether it came within `timeoutMs`; rejects
 * with the error that was seen.
 */
export function waitFor(
  look: () => Sight,
  emitter: Emitter,
  clock: Clock,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      cancel();
      for (const turn of TURNS) emitter.off(turn, check);
      settle();
    };
    const check = (): void => {
      const sight = look();
      if (sight === 'there') finish(() => resolve(true));
      else if (sight !== 'not yet') finish(() => reject(sight));
    };
    const cancel = clock.after(timeoutMs, () => finish(() => resolve(false)));
    for (const turn of TURNS) emitter.on(turn, check);
    check();
  });
}

/** Whether `work` settled within `timeoutMs`; its failure is somebody else's business. */
export function within(work: Promise<unknown>, clock: Clock, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(timeoutMs, () => resolve(false));
    const settled = (): void => {
      cancel();
      resolve(true);
    };
    work.then(settled, settled);
  });
}
