import { WebSubError } from '@websub/shared';
import type { Log } from '../log/log.js';
import type { Places } from '../subscription/places.js';
import { Recipient } from '../subscription/recipient.js';
import { secretsOf } from '../subscription/resealed.js';
import type { Registry } from '../subscription/registry.js';
import type { Roll } from '../subscription/roll.js';
import type { Seal } from '../subscription/sealed-secret.js';
import type { Subscription } from '../subscription/subscription.js';
import { Window } from '../subscription/window.js';

export interface RestoreOptions {
  readonly registry: Registry;
  readonly places: Places;
  readonly log: Log;
  readonly roll: Roll;
  readonly seal: Seal;
  /** No attempt waits longer than until then, whatever is stored: the clock may have gone back since. */
  readonly latestRetryAt: number;
}

/**
 * Reads into memory what the last run left: topics, subscriptions, places. Settles when the roll is complete. Rejects with
 * `unknown_key` when a secret was sealed with a key that is not at hand: its deliveries could not be signed.
 */
export async function restore(options: RestoreOptions): Promise<void> {
  const { registry, places, log, roll, seal, latestRetryAt } = options;
  for await (const records of registry.loadTopics()) {
    for (const record of records) roll.topic(record.url).record = record;
  }
  const byId = new Map<string, Recipient>();
  for await (const subscriptions of registry.loadSubscriptions()) {
    for (const subscription of subscriptions) {
      checkKeys(subscription, seal);
      const recipient = new Recipient(
        subscription,
        roll.topic(subscription.topic),
        roll.hostOf(subscription.callback),
      );
      if (subscription.lease !== null) recipient.position = subscription.lease.since;
      roll.add(recipient);
      byId.set(subscription.id, recipient);
    }
  }
  for await (const batch of places.load()) {
    for (const place of batch) {
      const recipient = byId.get(place.subscription);
      // A place from before the present lease says nothing: what is owed begins with the lease.
      if (recipient === undefined || place.position < recipient.position) continue;
      recipient.position = place.position;
      recipient.attempts = place.attempts;
      recipient.retryAt = Math.min(place.dueAt, latestRetryAt);
      recipient.failure = place.failure;
      if (place.beyond !== null) recipient.window = Window.from(place.beyond, latestRetryAt);
    }
  }
  const newest = await log.newest([...roll.topics.keys()]);
  for (const [url, position] of newest) roll.topic(url).newest = position;
}

function checkKeys(subscription: Subscription, seal: Seal): void {
  for (const secret of secretsOf(subscription)) {
    if (seal.standingOf(secret) !== 'unknown') continue;
    throw new WebSubError(
      'unknown_key',
      `secrets in the store were encrypted with the key ${seal.keyOf(secret)}, which is not given: start with that key too, after the new one (--secret-key, --secret-key-file)`,
    );
  }
}
