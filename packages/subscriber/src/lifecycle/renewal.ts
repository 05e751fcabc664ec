import type { WebSubError } from '@websub/shared';
import { reachFor, type Egress, type Reach } from '../egress.js';
import { asWebSubError } from '../errors.js';
import type { HubAnswer } from '../hub/ask-hub.js';
import type { Service } from '../service/service.js';
import { isWanted, type StoredSubscription } from '../subscription/subscription.js';
import { findCandidates, targetOf, type Candidates } from './candidates.js';
import { ownOf, type Enrolment } from './enrolment.js';
import type { Life } from './life.js';

export interface RenewalParts {
  readonly life: Life;
  readonly egress: Egress;
  readonly enrolment: Enrolment;
  serviceOf(subscription: StoredSubscription): Service | undefined;
  report(error: WebSubError): void;
}

/** Makes the requests that a life asks for: first ones again, renewals, ends. */
export class Renewal {
  readonly #parts: RenewalParts;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** Never rejects: what goes wrong becomes an event of the subscription's life, and an `error` event. */
  async send(subscription: StoredSubscription, mode: 'subscribe' | 'unsubscribe'): Promise<void> {
    try {
      const service = this.#parts.serviceOf(subscription);
      if (service === undefined) await this.#parts.life.apply(subscription.id, { kind: 'failed', mode });
      else if (mode === 'unsubscribe') await this.#unsubscribe(subscription, service);
      else await this.#renew(subscription, service);
    } catch (thrown) {
      this.#parts.report(asWebSubError(thrown));
    }
  }

  async #unsubscribe(subscription: StoredSubscription, service: Service): Promise<void> {
    const answer = await this.#parts.enrolment.request(
      subscription,
      'unsubscribe',
      service,
      reachOf(subscription, service),
    );
    await this.#settle(subscription, 'unsubscribe', answer);
  }

  /**
   * A renewal starts with discovery: topics move, and so do hubs (section 6). A callback should change at renewal
   * (section 5.1.1), so it makes a new subscription that takes over, where {@link takesTurns}.
   */
  async #renew(subscription: StoredSubscription, service: Service): Promise<void> {
    const successor = await this.#successorOf(subscription);
    // A process died between the verification of the one and the end of the other.
    if (successor?.state === 'active') return this.#parts.life.retire(subscription.id, successor);
    const underWay = successor !== undefined;
    const candidates = await this.#rediscover(subscription, service);
    const stays = candidates.topic === subscription.topic && candidates.hubs.includes(subscription.hub);
    if (stays && !underWay && takesTurns(subscription, service)) {
      const others = candidates.hubs.filter((hub) => hub !== subscription.hub);
      return this.#moveTo({ ...candidates, hubs: [subscription.hub, ...others] }, subscription, service);
    }
    if (stays || underWay) {
      const answer = await this.#parts.enrolment.request(
        subscription,
        'subscribe',
        service,
        candidates.reach,
      );
      if (answer.kind === 'accepted' || underWay) return this.#settle(subscription, 'subscribe', answer);
      const others = candidates.hubs.filter((hub) => hub !== subscription.hub);
      if (others.length === 0) return this.#settle(subscription, 'subscribe', answer);
      this.#parts.report(answer.error);
      return this.#moveTo({ ...candidates, hubs: others }, subscription, service);
    }
    return this.#moveTo(candidates, subscription, service);
  }

  /** What the resource says now; when it cannot be asked, what it said last. */
  async #rediscover(subscription: StoredSubscription, service: Service): Promise<Candidates> {
    const { hub, topic, resource } = subscription;
    const known: Candidates = { topic, hubs: [hub], reach: reachOf(subscription, service) };
    if (resource === undefined) return known;
    try {
      return await findCandidates(this.#parts.egress, targetOf(subscription), service.settings);
    } catch (thrown) {
      this.#parts.report(asWebSubError(thrown));
      return known;
    }
  }

  async #successorOf({ replacedBy }: StoredSubscription): Promise<StoredSubscription | undefined> {
    const successor = replacedBy === undefined ? undefined : await this.#parts.life.find(replacedBy);
    return successor !== undefined && isWanted(successor) ? successor : undefined;
  }

  /** The old subscription goes on until the new one is verified (LAW 5), and is renewed after all if that fails. */
  async #moveTo(candidates: Candidates, subscription: StoredSubscription, service: Service): Promise<void> {
    const { id, origin } = subscription;
    const own = origin === 'run-time' ? ownOf(subscription) : {};
    const wish = { service, target: targetOf(subscription), origin, replaces: subscription, ...own };
    try {
      await this.#parts.enrolment.enrolAt(candidates, wish);
    } catch (thrown) {
      await this.#parts.life.apply(id, { kind: 'abandoned' });
      throw thrown;
    }
  }

  async #settle(
    subscription: StoredSubscription,
    mode: 'subscribe' | 'unsubscribe',
    answer: HubAnswer,
  ): Promise<void> {
    if (answer.kind === 'accepted') return;
    this.#parts.report(answer.error);
    const reason = answer.error.message;
    await this.#parts.life.apply(
      subscription.id,
      answer.kind === 'refused' ? { kind: 'refused', mode, reason } : { kind: 'failed', mode },
    );
  }
}

/** Whether a renewal makes a new subscription in place of this one: see `renewal` in the options. */
function takesTurns({ state, verifiedPromptly }: StoredSubscription, { settings }: Service): boolean {
  if (state !== 'active' || settings.callback.kind === 'exact') return false;
  return settings.renewal === 'rotate' || (settings.renewal === 'auto' && verifiedPromptly === true);
}

function reachOf({ resource, hub }: StoredSubscription, { settings }: Service): Reach {
  return reachFor(resource ?? hub, settings.http);
}
