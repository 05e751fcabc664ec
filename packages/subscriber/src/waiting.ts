import type { CancelTimer, Clock, WebSubError } from '@websub/shared';

/** What a wait sees: what it waits for, that it may yet come, or why it will not. */
export type Sight = 'there' | 'not yet' | WebSubError;

/** Calls back after each change, until the returned function is called. */
export type Watch = (changed: () => void) => CancelTimer;

/** Looks now and after every change. Settles with whether it came within `timeoutMs`; rejects with the error that was seen. */
export function waitFor(look: () => Sight, watch: Watch, clock: Clock, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      cancel();
      unwatch();
      settle();
    };
    const check = (): void => {
      const sight = look();
      if (sight === 'there') finish(() => resolve(true));
      else if (sight !== 'not yet') finish(() => reject(sight));
    };
    const cancel = clock.after(timeoutMs, () => finish(() => resolve(false)));
    const unwatch = watch(check);
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

/** Settles as `work` does; rejects with the reason of `signal` when that is aborted before. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(asError(signal.reason));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
