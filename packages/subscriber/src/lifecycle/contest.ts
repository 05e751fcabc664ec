import { isWanted, type StoredSubscription } from '../subscription/subscription.js';
import type { Life } from './life.js';

/** The version that a subscription is stored with first: nobody has asked a hub for it yet. */
const FRESH = 1;

/**
 * Settles with the one subscription that several instances on a store make when they start at the same time: `mine`, or
 * another one's. All have stored theirs before they look, so of two at least one sees the other; the one with the lower id
 * goes on, unless the other one has asked its hub already. `mine` was stored just now and takes over from `replaced`.
 */
export async function contest(
  life: Life,
  mine: StoredSubscription,
  replaced: StoredSubscription | undefined,
): Promise<StoredSubscription> {
  const rivals = async (): Promise<readonly StoredSubscription[]> =>
    (await life.load()).filter((one) => one.id !== replaced?.id && isRival(one, mine));
  for (const rival of await rivals()) {
    if (await givesWay(life, rival, mine)) continue;
    await life.remove(mine.id);
    return rival;
  }
  const claimed = await life.claim(mine);
  return claimed ?? (await rivals())[0] ?? mine;
}

function isRival(one: StoredSubscription, { id, service, target, origin }: StoredSubscription): boolean {
  const same = one.service === service && one.target === target && one.origin === origin;
  return same && one.id !== id && isWanted(one) && one.replacedBy === undefined;
}

async function givesWay(life: Life, rival: StoredSubscription, mine: StoredSubscription): Promise<boolean> {
  if (rival.version > FRESH || rival.id < mine.id) return false;
  // Where it cannot be withdrawn, its owner did so, or has gone on with it.
  return (await life.withdraw(rival)) || (await life.find(rival.id)) === undefined;
}
