import { TestClock, type SubscribeRequest } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../access/principal.js';
import { callbackHost } from '../subscription/callback-host.js';
import { Recipient } from '../subscription/recipient.js';
import { Roll } from '../subscription/roll.js';
import type { Pending, Subscription } from '../subscription/subscription.js';
import { Admission } from './admission.js';

const TOPIC = 'https://publisher.example/feed';
const DENIAL: Pending = { kind: 'denial', request: 'r', reason: 'no', attempts: 0, dueAt: 0 };

function given(mostSubscriptions = 1_000_000) {
  const roll = new Roll();
  const clock = new TestClock();
  const admission = new Admission({ roll, clock, mostSubscriptions });
  const enter = (callback: string, isPending = false): Recipient => {
    const recipient = new Recipient(
      {
        id: callback,
        topic: TOPIC,
        callback,
        version: 1,
        lease: null,
        pending: isPending ? DENIAL : null,
      },
      roll.topic(TOPIC),
      callbackHost(callback),
    );
    roll.add(recipient);
    return recipient;
  };
  const ask = (callback: string, mode: 'subscribe' | 'unsubscribe' = 'subscribe') =>
    admission.subscription({ mode, topic: TOPIC, callback }, null);
  return { roll, clock, admission, enter, ask };
}

describe('what a client may ask', () => {
  it('LAW 8 is ten requests a second, and fifty at once after a rest', () => {
    const { admission } = given();
    const refused = Array.from({ length: 60 }, () => admission.client('192.0.2.1')).filter(Boolean);
    expect(refused).toHaveLength(10);
    expect(refused[0]).toMatchObject({ kind: 'too-many', retryAfterMs: 100 });
    expect(admission.client('192.0.2.2')).toBeUndefined();
  });

  it('LAW 8 is a thousand topics an hour that the hub does not know yet', async () => {
    const { admission, roll, clock } = given();
    roll.topic('https://publisher.example/known');
    const ask = (topic: string) => admission.topic('192.0.2.1', topic);
    for (let nth = 0; nth < 1_000; nth++) expect(ask(`https://publisher.example/${nth}`)).toBeUndefined();
    expect(ask('https://publisher.example/one-more')?.retryAfterMs).toBeCloseTo(3_600);
    expect(ask('https://publisher.example/known')).toBeUndefined();
    expect(admission.topic('192.0.2.2', 'https://publisher.example/one-more')).toBeUndefined();
    await clock.advance(3_601);
    expect(ask('https://publisher.example/one-more')).toBeUndefined();
  });
});

describe('what a callback host may be asked', () => {
  it('LAW 8 has a hundred requests pending, repetitions that wait included; one that replaces another is no further one', () => {
    const { roll, enter, ask } = given();
    const waiting = Array.from({ length: 100 }, (_each, nth) => enter(`https://c.example/${nth}`, true));
    expect(ask('https://c.example/new')).toMatchObject({ retryAfterMs: 5_000 });
    expect(ask('https://c.example/new', 'unsubscribe')).toBeDefined();
    expect(ask('https://c.example/7')).toBeUndefined();
    expect(ask('https://d.example/new')).toBeUndefined();
    // One is settled.
    const [first] = waiting;
    if (first === undefined) throw new Error('there are recipients');
    first.subscription = { ...first.subscription, pending: null };
    roll.count(first);
    expect(ask('https://c.example/new')).toBeUndefined();
  });

  it('LAW 8 has 10,000 subscriptions, and the hub as many as it is told', () => {
    const { enter, ask } = given();
    for (let nth = 0; nth < 10_000; nth++) enter(`https://many.c.example/${nth}`);
    expect(ask('https://other.c.example/new')).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(ask('https://many.c.example/7')).toBeUndefined();
    expect(ask('https://many.c.example/unknown', 'unsubscribe')).toBeUndefined();
    expect(ask('https://c.example:8443/new')).toBeUndefined();

    const small = given(1);
    small.enter('https://c.example/1');
    expect(small.ask('https://d.example/1')?.detail).toMatch(/^this hub has 1 subscriptions: /);
  });

  it('LAW 8 is asked five times a second, and for the same pair once in ten seconds after the first five', () => {
    const { ask } = given();
    const same = Array.from({ length: 6 }, () => ask('https://c.example/same'));
    expect(same.map((refusal) => refusal?.retryAfterMs)).toEqual([...Array<undefined>(5), 10_000]);
    const others = Array.from({ length: 60 }, (_each, nth) => ask(`https://d.example/${nth}`));
    expect(others.filter(Boolean)).toHaveLength(10);
  });
});

function subscriptionOfTenant(callback: string, tenant: string): Subscription {
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

function tenants() {
  const roll = new Roll();
  const enter = (host: string, tenant: string): Recipient => {
    const recipient = new Recipient(
      subscriptionOfTenant(`https://${host}/`, tenant),
      roll.topic(TOPIC),
      host,
    );
    roll.add(recipient);
    return recipient;
  };
  const admission = new Admission({ roll, clock: new TestClock(), mostSubscriptions: 1_000_000 });
  const ask = (callback: string, tenant: string | null) => {
    const request: SubscribeRequest = { mode: 'subscribe', topic: TOPIC, callback };
    return admission.subscription(request, tenant);
  };
  return { roll, enter, ask };
}

describe('the subscriptions of a tenant', () => {
  it('LAW 8 are 100,000 at most; those that are there may be renewed, and nobody else is kept out', () => {
    const { enter, ask } = tenants();
    for (let n = 0; n < 100_000; n++) enter(`s${n}.example`, 'acme');
    const refusal = ask('https://new.example/', 'acme');
    expect(refusal?.detail).toContain('100000 subscriptions');
    expect(refusal?.retryAfterMs).toBe(3_600_000);
    expect(ask('https://s1.example/', 'acme')).toBeUndefined();
    expect(ask('https://new.example/', 'other')).toBeUndefined();
    expect(ask('https://new.example/', null)).toBeUndefined();
  });

  it('are counted for the tenant whose they are now, until they end', () => {
    const { roll, enter } = tenants();
    const [one, two] = [enter('one.example', 'acme'), enter('two.example', 'acme')];
    expect(roll.recipientsOfTenant('acme')).toBe(2);
    one.subscription = subscriptionOfTenant('https://one.example/', 'other');
    roll.count(one);
    roll.count(one);
    expect([roll.recipientsOfTenant('acme'), roll.recipientsOfTenant('other')]).toEqual([1, 1]);
    roll.remove(two);
    roll.remove(two);
    expect([roll.recipientsOfTenant('acme'), roll.recipientsOfTenant('other')]).toEqual([0, 1]);
  });
});
