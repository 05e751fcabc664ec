import type { Clock } from '@websub/shared';
import { isWanted, type StoredSubscription } from '../subscription/subscription.js';
import { waitFor, type Watch } from '../waiting.js';
import type { Life } from './life.js';

/** Asks for the end of the subscriptions that are `which`. Settles when hubs have verified it, after `timeoutMs`, or at `signal`. */
export async function endSubscriptions(
  { life, clock }: { readonly life: Life; readonly clock: Clock },
  which: (subscription: StoredSubscription) => boolean,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  // Another instance may have subscribed, or renewed, on the same store.
  await life.load();
  const ending = life.known.filter((one) => which(one) && isToEnd(one));
  for (const { id } of ending) {
    if (signal?.aborted === true) return;
    await life.apply(id, { kind: 'requested', mode: 'unsubscribe' });
  }
  const ids = new Set(ending.map(({ id }) => id));
  const isOpen = (): boolean =>
    signal?.aborted !== true && life.known.some(({ id, state }) => ids.has(id) && state !== 'unsubscribed');
  await waitFor(() => (isOpen() ? 'not yet' : 'there'), orAborted(life.watch, signal), clock, timeoutMs);
}

/** One that another takes over from may already be waiting for its end, which then comes sooner. */
function isToEnd(subscription: StoredSubscription): boolean {
  return isWanted(subscription) || subscription.pending === 'unsubscribe';
}

function orAborted(watch: Watch, signal: AbortSignal | undefined): Watch {
  return (changed) => {
    const unwatch = watch(changed);
    signal?.addEventListener('abort', changed);
    return () => {
      unwatch();
      signal?.removeEventListener('abort', changed);
    };
  };
}
