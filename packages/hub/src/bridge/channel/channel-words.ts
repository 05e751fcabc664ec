import type { Grant } from '../../access/grant.js';
import { NO_TOPIC } from '../../access/topic-scope.js';
import type { ChannelTerms } from '../../consumer/consumer.js';

/** What whoever is connected may do: read this topic, until the lease ends. */
export function grantOf({ topic, principal, restrictions, endsAt }: ChannelTerms): Grant {
  return {
    ...(principal && { principal }),
    ...(restrictions && { restrictions }),
    manages: false,
    scopes: {
      ping: NO_TOPIC,
      publish: NO_TOPIC,
      register: NO_TOPIC,
      read: { includes: (one) => one === topic },
    },
    endsAt,
  };
}

/** The confirmation, with which a channel begins (section 5.3, where the hub asks and the callback confirms). */
export function confirmationOf(
  { topic, events, endsAt }: ChannelTerms,
  now: number,
): Readonly<Record<string, unknown>> {
  return {
    'hub.mode': 'subscribe',
    'hub.topic': topic,
    ...(events.length === 0 ? {} : { 'hub.events': events.join(',') }),
    'hub.lease_seconds': Math.ceil((endsAt - now) / 1000),
  };
}

/** What somebody is told who will be given nothing more (section 5.2). */
export function denialOf(topic: string | undefined, reason: string): Readonly<Record<string, unknown>> {
  return {
    'hub.mode': 'denied',
    ...(topic === undefined ? {} : { 'hub.topic': topic }),
    'hub.reason': reason,
  };
}

export const NO_CHANNEL = 'there is no such channel, or no longer: subscribe again';
