import {
  parseWebUrl,
  type Clock,
  type HubRequest,
  type NetworkPolicy,
  type Random,
  type SubscribeRequest,
  type TraceContext,
  type UnsubscribeRequest,
} from '@websub/shared';
import type { Grant } from '../access/grant.js';
import { tenantOf } from '../access/principal.js';
import type { Admission, Refusal } from './admission.js';
import type { Subscriptions } from './subscriptions.js';
import type { TopicFetches } from './topic-fetches.js';
import type { TopicRecords } from './topic-records.js';

export interface LeaseBounds {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly defaultSeconds: number;
}

/** Where the hub may connect to: what callbacks need may be a hole when topics have it, and the other way round. */
export interface NetworkPolicies {
  readonly callbacks: NetworkPolicy;
  readonly topics: NetworkPolicy;
}

export interface AcceptanceOptions {
  readonly subscriptions: Subscriptions;
  readonly fetches: TopicFetches;
  readonly records: TopicRecords;
  readonly networks: NetworkPolicies;
  /** Absent: no bounds, as in development. */
  readonly admission: Admission | undefined;
  readonly lease: LeaseBounds;
  readonly clock: Clock;
  readonly random: Random;
}

/** The request is on stable storage. */
export interface Accepted {
  readonly kind: 'accepted';
  /** The name by which its status can be looked up; absent when there is nothing to follow. */
  readonly request: string | undefined;
}

/** A request's name is the key to its status, so it is unguessable. */
export const REQUEST_BYTES = 12;

/** Takes the requests of section 5.1 and 6: checks them by what can be known at once, and makes them durable. */
export class Acceptance {
  readonly #options: AcceptanceOptions;

  constructor(options: AcceptanceOptions) {
    this.#options = options;
  }

  /**
   * Settles when the request is durable, or with a refusal. Nothing here depends on how verification or validation will
   * go (section 5.1.2). That the grant allows the request is for the caller to ask. `origin.trace` is passed on with what
   * the hub does because of the request. Rejects with `forbidden_address` for an address that no policy allows, and with
   * `store_full` or `store_failed`.
   */
  async accept(
    request: HubRequest,
    grant: Grant,
    origin: { readonly trace?: TraceContext } = {},
  ): Promise<Accepted | Refusal> {
    const { fetches, records } = this.#options;
    switch (request.mode) {
      case 'subscribe':
      case 'unsubscribe':
        return this.#acceptIntent(request, grant, origin);
      case 'publish':
        await Promise.all(request.topics.map((topic) => fetches.ping(topic, origin)));
        return { kind: 'accepted', request: undefined };
      case 'register':
      case 'deregister':
        await records.setRegistered(request.topic, request.mode === 'register');
        return { kind: 'accepted', request: undefined };
    }
  }

  async #acceptIntent(
    request: SubscribeRequest | UnsubscribeRequest,
    grant: Grant,
    origin: { readonly trace?: TraceContext },
  ): Promise<Accepted | Refusal> {
    const { principal } = grant;
    const { subscriptions, networks, admission, lease, clock, random } = this.#options;
    networks.callbacks.checkLiteral(parseWebUrl(request.callback, 'hub.callback'), 'hub.callback');
    networks.topics.checkLiteral(parseWebUrl(request.topic, 'hub.topic'), 'hub.topic');
    const refusal = admission?.subscription(request, tenantOf(principal));
    if (refusal !== undefined) return refusal;
    const common = {
      request: random.token(REQUEST_BYTES),
      verifyToken: request.verifyToken ?? null,
      ...origin,
    };
    await subscriptions.request(
      request.topic,
      request.callback,
      request.mode === 'unsubscribe'
        ? { kind: 'unsubscribe-requested', ...common }
        : {
            kind: 'subscribe-requested',
            ...common,
            ...(request.secret !== undefined && { secret: request.secret }),
            ...(request.webhookSignature && { webhookSignature: request.webhookSignature }),
            leaseSeconds: grantedSeconds(lease, request.leaseSeconds, grant, clock.now()),
            ...(principal !== undefined && { principal }),
          },
    );
    return { kind: 'accepted', request: common.request };
  }
}

/**
 * The lease that is granted, in seconds: a request outside the bounds is brought inside (section 5.1: the hub decides), and
 * nothing outlasts the credential that it was asked for with.
 */
export function grantedSeconds(
  { minSeconds, maxSeconds, defaultSeconds }: LeaseBounds,
  asked: number | undefined,
  { endsAt }: Grant,
  now: number,
): number {
  const seconds = Math.min(Math.max(asked ?? defaultSeconds, minSeconds), maxSeconds);
  return Math.max(Math.min(seconds, Math.floor((endsAt - now) / 1000)), 1);
}
