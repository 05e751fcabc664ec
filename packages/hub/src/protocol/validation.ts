import type { NetworkPolicy, Resolver } from '@websub/shared';

/** A subscription that somebody asks for. */
export interface SubscriptionRequestView {
  readonly topic: string;
  readonly callback: string;
}

/** Settles with the reason why the hub does not take this subscription, or `undefined` when it does (section 5.2). */
export type Validate = (request: SubscriptionRequestView) => Promise<string | undefined>;

/**
 * Refuses topics and callbacks whose host has no address that the hub may connect to (LAW 9). A host that does not
 * resolve at all is not refused here: topics may be published with content only, and a callback shows at its verification.
 */
export function validateAddresses(policy: NetworkPolicy, resolver: Resolver): Validate {
  const isForbidden = async (url: string): Promise<boolean> => {
    const { hostname } = new URL(url);
    const literal = policy.allowsLiteral(hostname);
    if (literal !== undefined) return !literal;
    try {
      const addresses = await resolver.resolve(hostname);
      return addresses.length > 0 && !addresses.some(({ address }) => policy.allows(address));
    } catch {
      return false;
    }
  };
  return async ({ topic, callback }) => {
    if (await isForbidden(topic)) return 'the topic has an address that this hub may not connect to';
    if (await isForbidden(callback)) return 'the callback has an address that this hub may not connect to';
    return undefined;
  };
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
