import type { Clock } from '@websub/shared';
import type { StoredSubscription } from '../subscription/subscription.js';
import type { Life } from './life.js';

export interface SilenceParts {
  readonly life: Life;
  readonly clock: Clock;
  /** `null`: any silence is fine. */
  staleAfterMs(subscription: StoredSubscription): number | null;
  tell(subscription: StoredSubscription): void;
}

interface Heard {
  readonly at: number;
  readonly told: boolean;
}

/**
 * Notices active subscriptions to which nothing is delivered: a lease may be in force at a hub that lost the topic. Once
 * told of a silence, nobody is told of it again.
 */
export class Silence {
  readonly #parts: SilenceParts;
  /** By target, since a renewal may be another subscription. */
  readonly #heard = new Map<string, Heard>();

  constructor(parts: SilenceParts) {
    this.#parts = parts;
  }

  /** Settles when all were looked at. */
  async look(): Promise<void> {
    const now = this.#parts.clock.now();
    const active = this.#parts.life.known.filter(({ state }) => state === 'active');
    const targets = new Set(active.map(keyOf));
    for (const key of this.#heard.keys()) if (!targets.has(key)) this.#heard.delete(key);
    for (const subscription of active) {
      const staleAfterMs = this.#parts.staleAfterMs(subscription);
      const heard = this.#hear(subscription, now);
      if (staleAfterMs === null || heard.told || now - heard.at < staleAfterMs) continue;
      // Another instance on the same store may have been the one that heard.
      const stored = await this.#parts.life.find(subscription.id);
      if (stored === undefined || this.#hear(stored, now).at > heard.at) continue;
      this.#heard.set(keyOf(stored), { ...heard, told: true });
      this.#parts.tell(stored);
    }
  }

  #hear(subscription: StoredSubscription, now: number): Heard {
    const key = keyOf(subscription);
    const last = subscription.lastDeliveryAt?.getTime();
    const before = this.#heard.get(key) ?? { at: last ?? now, told: false };
    const heard = last !== undefined && last > before.at ? { at: last, told: false } : before;
    this.#heard.set(key, heard);
    return heard;
  }
}

function keyOf({ service, target }: StoredSubscription): string {
  return JSON.stringify([service, target]);
}
