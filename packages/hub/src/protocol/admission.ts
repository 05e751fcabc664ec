import { createHash } from 'node:crypto';
import { addressBlock, type Clock, type SubscribeRequest, type UnsubscribeRequest } from '@websub/shared';
import { callbackHost } from '../subscription/callback-host.js';
import type { Roll } from '../subscription/roll.js';
import type { Subscription } from '../subscription/subscription.js';
import { RateLimit } from './rate-limit.js';

/** Why a request is not taken at this moment. */
export interface Refusal {
  readonly kind: 'too-many';
  /** A sentence that ends with the cure. */
  readonly detail: string;
  readonly retryAfterMs: number;
}

export interface AdmissionOptions {
  readonly roll: Roll;
  readonly clock: Clock;
  /** Subscriptions that the hub takes in all. */
  readonly mostSubscriptions: number;
}

const PER_CLIENT = { perSecond: 10, burst: 50 };
const PER_CALLBACK_HOST = { perSecond: 5, burst: 50 };
const PER_PAIR = { perSecond: 0.1, burst: 5 };
const NEW_TOPICS_PER_CLIENT = { perSecond: 1_000 / 3_600, burst: 1_000 };
const MOST_PENDING_PER_HOST = 100;
const PENDING_RETRY_AFTER_MS = 5_000;
const MOST_SUBSCRIPTIONS_PER_HOST = 10_000;
const MOST_SUBSCRIPTIONS_PER_TENANT = 100_000;
const FULL_RETRY_AFTER_MS = 3_600_000;

/** Keeps the hub from being made to flood others: bounds on what a client may ask and a callback host may be asked. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #perClient = new RateLimit(PER_CLIENT);
  readonly #perHost = new RateLimit(PER_CALLBACK_HOST);
  readonly #perPair = new RateLimit(PER_PAIR);
  readonly #newTopics = new RateLimit(NEW_TOPICS_PER_CLIENT);

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Any request of this client: an IP address, or its block where clients have many. */
  client(address: string): Refusal | undefined {
    const waitMs = this.#perClient.admit(addressBlock(address), this.#options.clock.monotonic());
    return waitMs === 0 ? undefined : tooMany('this client sends requests too fast', waitMs);
  }

  /** A request of this client that may make the hub know a further topic. */
  topic(address: string, topic: string): Refusal | undefined {
    const { roll, clock } = this.#options;
    const waitMs = roll.topics.has(topic)
      ? 0
      : this.#newTopics.admit(addressBlock(address), clock.monotonic());
    return waitMs === 0 ? undefined : tooMany('this client asks for too many different topics', waitMs);
  }

  /** A request, by somebody of this tenant, that leads to a verification of this callback. */
  subscription(
    { topic, callback, mode }: SubscribeRequest | UnsubscribeRequest,
    tenant: string | null,
  ): Refusal | undefined {
    const host = callbackHost(callback);
    const now = this.#options.clock.monotonic();
    const known = this.#options.roll.find(topic, callback);
    const full =
      this.#tooManyPending(host, known?.subscription) ??
      (mode === 'subscribe' && known === undefined ? this.#full(host, tenant) : undefined);
    if (full !== undefined) return full;
    const waitMs = this.#perPair.admit(pairOf(topic, callback), now) || this.#perHost.admit(host, now);
    return waitMs === 0 ? undefined : tooMany('this callback is asked to verify too often', waitMs);
  }

  /** One that takes the place of a request that is pending makes no further one. */
  #tooManyPending(host: string, known: Subscription | undefined): Refusal | undefined {
    const isFull = this.#options.roll.pendingOf(host) >= MOST_PENDING_PER_HOST;
    return isFull && (known === undefined || known.pending === null)
      ? tooMany('too many verifications of this callback host are waiting', PENDING_RETRY_AFTER_MS)
      : undefined;
  }

  #full(host: string, tenant: string | null): Refusal | undefined {
    const { roll, mostSubscriptions } = this.#options;
    const whose: readonly (readonly [string, number, number])[] = [
      ['this callback host', roll.recipientsOf(host), MOST_SUBSCRIPTIONS_PER_HOST],
      ['this tenant', tenant === null ? 0 : roll.recipientsOfTenant(tenant), MOST_SUBSCRIPTIONS_PER_TENANT],
      ['this hub', roll.recipientCount, mostSubscriptions],
    ];
    const [name, , most] = whose.find(([, count, bound]) => count >= bound) ?? [];
    return name === undefined
      ? undefined
      : tooMany(`${name} has ${most} subscriptions: unsubscribe some`, FULL_RETRY_AFTER_MS);
  }
}

/** Short, however long the URLs are that strangers make up: 100,000 of them are remembered (LAW 8). */
function pairOf(topic: string, callback: string): string {
  return createHash('sha256').update(`${topic}\n${callback}`).digest('base64');
}

function tooMany(detail: string, retryAfterMs: number): Refusal {
  return { kind: 'too-many', detail, retryAfterMs };
}
