import { TestClock, type SubscribeRequest } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../access/principal.js';
import { Recipient } from '../subscription/recipient.js';
import { Roll } from '../subscription/roll.js';
import type { Subscription } from '../subscription/subscription.js';
import { Admission } from './admission.js';

const TOPIC = 'https://shop.example/orders';

function subscriptionOf(callback: string, tenant: string): Subscription {
  const principal: Principal = { kind: 'key', id: 'k', tenant };
  const pending = {
    kind: 'subscribe',
    request: 'r',
    attempts: 0,
    dueAt: 0,
    secret: null,
    leaseSeconds: 1,
    verifyToken: null,
    afterUnsubscribe: false,
    principal,
  } as const;
  return { id: callback, topic: TOPIC, callback, version: 1, lease: null, pending };
}

function world() {
  const roll = new Roll();
  const enter = (host: string, tenant: string): Recipient => {
    const recipient = new Recipient(subscriptionOf(`https://${host}/`, tenant), roll.topic(TOPIC), host);
    roll.add(recipient);
    return recipient;
  };
  const admission = new Admission({ roll, clock: new TestClock(), questionsOf: () => 0 });
  const ask = (callback: string, tenant: string | null) => {
    const request: SubscribeRequest = { mode: 'subscribe', topic: TOPIC, callback };
    return admission.subscription(request, tenant);
  };
  return { roll, enter, ask };
}

describe('the subscriptions of a tenant', () => {
  it('LAW 8 are 100,000 at most; those that are there may be renewed, and nobody else is kept out', () => {
    const { enter, ask } = world();
    for (let n = 0; n < 100_000; n++) enter(`s${n}.example`, 'acme');
    const refusal = ask('https://new.example/', 'acme');
    expect(refusal?.detail).toContain('100000 subscriptions');
    expect(refusal?.retryAfterMs).toBe(3_600_000);
    expect(ask('https://s1.example/', 'acme')).toBeUndefined();
    expect(ask('https://new.example/', 'other')).toBeUndefined();
    expect(ask('https://new.example/', null)).toBeUndefined();
  });

  it('are counted for the tenant whose they are now, until they end', () => {
    const { roll, enter } = world();
    const [one, two] = [enter('one.example', 'acme'), enter('two.example', 'acme')];
    expect(roll.recipientsOfTenant('acme')).toBe(2);
    one.subscription = subscriptionOf('https://one.example/', 'other');
    roll.countTenant(one);
    roll.countTenant(one);
    expect([roll.recipientsOfTenant('acme'), roll.recipientsOfTenant('other')]).toEqual([1, 1]);
    roll.remove(two);
    roll.remove(two);
    expect([roll.recipientsOfTenant('acme'), roll.recipientsOfTenant('other')]).toEqual([0, 1]);
  });
});
