import { urlForLogs, WebSubError } from '@websub/shared';
import type { Engine } from './engine.js';
import type { SubscriptionView } from './messages.js';
import type { Service } from './service/service.js';
import { viewsOf, type StoredSubscription } from './subscription/subscription.js';
import { waitFor, type Sight } from './waiting.js';

/** A service that a listener has. */
export interface AttachedService {
  /** Where below the listener's public URL its callbacks lie. */
  readonly path: string;
  /** As this process last saw them. */
  readonly subscriptions: readonly SubscriptionView[];
  /**
   * Settles when every target has an active subscription. Rejects with `denied` when a hub or the service refuses one, and with
   * `timeout` after `timeoutMs` (default 30,000).
   */
  verified(options?: { readonly timeoutMs?: number }): Promise<void>;
}

const FOLLOW_MS = 1_000;

export function attachedService(engine: Engine, service: Service): AttachedService {
  const own = (): readonly StoredSubscription[] =>
    engine.life.known.filter((subscription) => subscription.service === service.name);
  return {
    path: service.settings.path,
    get subscriptions() {
      return viewsOf(own());
    },
    async verified({ timeoutMs = 30_000 } = {}) {
      await engine.life.load();
      const look = (): Sight => lookAt(service, own());
      const unfollow = followStore(engine);
      const there = await waitFor(look, engine.life.watch, engine.clock, timeoutMs).finally(unfollow);
      if (there) return;
      throw new WebSubError(
        'timeout',
        `not every subscription of ${service.name} was verified within ${timeoutMs} ms: check that the hub reaches the callback`,
      );
    },
  };
}

/** Sees what other instances on the same store do, until the answer is called. */
function followStore({ clock, life, tasks }: Engine): () => void {
  let cancel: () => void;
  const follow = (): void => {
    cancel = clock.after(FOLLOW_MS, () => {
      tasks.run(life.load());
      follow();
    });
  };
  follow();
  return () => cancel();
}

function lookAt({ settings }: Service, own: readonly StoredSubscription[]): Sight {
  const open = settings.targets.filter(
    ({ key }) => !own.some((one) => one.target === key && one.state === 'active'),
  );
  const settled = own.every(({ state, replaces }) => state !== 'pending' || replaces !== undefined);
  if (open.length === 0 && settled) return 'there';
  const denied = own.find(
    ({ state, target, replacedBy }) =>
      state === 'denied' && replacedBy === undefined && open.some(({ key }) => key === target),
  );
  return denied === undefined
    ? 'not yet'
    : new WebSubError(
        'denied',
        `${urlForLogs(denied.topic)} was denied, by its hub or by onSubscriptionVerification: the denied event says why`,
      );
}
