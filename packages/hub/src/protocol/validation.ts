import type { Clock, NetworkPolicy, Resolver } from '@websub/shared';

/** A subscription that somebody asks for. */
export interface SubscriptionRequestView {
  readonly topic: string;
  readonly callback: string;
}

/** Settles with the reason why the hub does not take this subscription, or `undefined` when it does (section 5.2). */
export type Validate = (request: SubscriptionRequestView) => Promise<string | undefined>;

export interface TopicAddressOptions {
  readonly policy: NetworkPolicy;
  readonly resolver: Resolver;
  readonly clock: Clock;
}

const PATIENCE_MS = 300;
const REMEMBERED_MS = 60_000;
const MOST_REMEMBERED = 1_000;

/**
 * Refuses topics whose host has no address that the hub may connect to (LAW 9), so that the subscriber hears of it now
 * and not never. A courtesy: what protects the network is the guard at connect time. So a name that is slow to resolve,
 * or does not resolve (its topic may be published with content only), is not refused, and nobody waits for it.
 */
export function validateTopicAddress({ policy, resolver, clock }: TopicAddressOptions): Validate {
  const known = new Map<string, { readonly until: number; readonly forbidden: Promise<boolean> }>();
  const isForbidden = (hostname: string): Promise<boolean> => {
    const now = clock.monotonic();
    const remembered = known.get(hostname);
    if (remembered !== undefined && remembered.until > now) return remembered.forbidden;
    const forbidden = resolver.resolve(hostname).then(
      (addresses) => addresses.length > 0 && !addresses.some(({ address }) => policy.allows(address)),
      () => false,
    );
    const oldest = known.keys().next();
    if (known.size >= MOST_REMEMBERED && oldest.done !== true) known.delete(oldest.value);
    known.set(hostname, { until: now + REMEMBERED_MS, forbidden });
    return forbidden;
  };
  return async ({ topic }) => {
    const { hostname } = new URL(topic);
    // Literals were refused when the request was accepted.
    if (policy.allowsLiteral(hostname) !== undefined) return undefined;
    const forbidden = await Promise.race([isForbidden(hostname), falseAfter(clock, PATIENCE_MS)]);
    return forbidden ? 'the topic has an address that this hub may not connect to' : undefined;
  };
}

function falseAfter(clock: Clock, ms: number): Promise<boolean> {
  return new Promise((resolve) => clock.after(ms, () => resolve(false)));
}

/** The first refusal counts. */
export function validateAll(...checks: readonly Validate[]): Validate {
  return async (request) => {
    for (const check of checks) {
      const refusal = await check(request);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  };
}
