import type { Clock, SubscribeRequest, UnsubscribeRequest } from '@websub/shared';
import { callbackHost } from '../subscription/callback-host.js';
import type { Roll } from '../subscription/roll.js';
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
  /** Verifications of a callback host that wait or are under way. */
  readonly questionsOf: (host: string) => number;
}

const PER_CLIENT = { perSecond: 10, burst: 50 };
const PER_CALLBACK_HOST = { perSecond: 5, burst: 50 };
const PER_PAIR = { perSecond: 0.1, burst: 5 };
const MOST_QUESTIONS_PER_HOST = 100;
const MOST_SUBSCRIPTIONS_PER_HOST = 10_000;
const MOST_SUBSCRIPTIONS_PER_TENANT = 100_000;
const FULL_RETRY_AFTER_MS = 3_600_000;

/** Keeps the hub from being made to flood others: bounds on what a client may ask and a callback host may be asked. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #perClient = new RateLimit(PER_CLIENT);
  readonly #perHost = new RateLimit(PER_CALLBACK_HOST);
  readonly #perPair = new RateLimit(PER_PAIR);

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Any request of this client (an IP address). */
  client(address: string): Refusal | undefined {
    const waitMs = this.#perClient.admit(address, this.#options.clock.monotonic());
    return waitMs === 0 ? undefined : tooMany('this client sends requests too fast', waitMs);
  }

  /** A request, by somebody of this tenant, that leads to a verification of this callback. */
  subscription(
    { topic, callback, mode }: SubscribeRequest | UnsubscribeRequest,
    tenant: string | null,
  ): Refusal | undefined {
    const { roll, clock, questionsOf } = this.#options;
    const host = callbackHost(callback);
    const now = clock.monotonic();
    if (questionsOf(host) >= MOST_QUESTIONS_PER_HOST)
      return tooMany('too many verifications of this callback host are waiting', 1_000);
    const isNew = mode === 'subscribe' && roll.find(topic, callback) === undefined;
    if (isNew && roll.recipientsOf(host) >= MOST_SUBSCRIPTIONS_PER_HOST) {
      return tooMany(
        `this callback host has ${MOST_SUBSCRIPTIONS_PER_HOST} subscriptions: unsubscribe some`,
        FULL_RETRY_AFTER_MS,
      );
    }
    if (isNew && tenant !== null && roll.recipientsOfTenant(tenant) >= MOST_SUBSCRIPTIONS_PER_TENANT) {
      return tooMany(
        `this tenant has ${MOST_SUBSCRIPTIONS_PER_TENANT} subscriptions: unsubscribe some`,
        FULL_RETRY_AFTER_MS,
      );
    }
    const waitMs = this.#perPair.admit(`${topic}\n${callback}`, now) || this.#perHost.admit(host, now);
    return waitMs === 0 ? undefined : tooMany('this callback is asked to verify too often', waitMs);
  }
}

function tooMany(detail: string, retryAfterMs: number): Refusal {
  return { kind: 'too-many', detail, retryAfterMs };
}
