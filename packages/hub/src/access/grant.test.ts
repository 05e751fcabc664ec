import { describe, expect, it } from 'vitest';
import { anybodysGrant, grantOf, may, narrowed, type Grant, type TopicAction } from './grant.js';
import { EVERY_TOPIC, NO_TOPIC, topicScope } from './topic-scope.js';

const ORDERS = 'https://shop.example/orders';
const NEWS = 'https://shop.example/news';
const ACTIONS: readonly TopicAction[] = ['ping', 'publish', 'register', 'read'];

const CLOSED = { pings: false, content: false, reading: false, management: false };
const nobody = anybodysGrant(CLOSED);
const principal = { kind: 'key', id: 'k', tenant: null } as const;
const orders = topicScope([ORDERS], 'publish');

function allowed(grant: Grant, topic: string): readonly string[] {
  return [
    ...ACTIONS.filter((action) => may(grant, action, topic)),
    ...(may(grant, 'manage') ? ['manage'] : []),
  ];
}

describe('what anybody may', () => {
  it.each([
    [CLOSED, []],
    [{ ...CLOSED, pings: true }, ['ping']],
    [{ ...CLOSED, pings: true, content: true }, ['ping', 'publish']],
    [{ ...CLOSED, reading: true }, ['read']],
    [{ pings: true, content: true, reading: true, management: true }, [...ACTIONS, 'manage']],
  ])('%j', (openTo, expected) => {
    expect(allowed(anybodysGrant(openTo), ORDERS)).toEqual(expected);
    expect(anybodysGrant(openTo).principal).toBeUndefined();
  });
});

describe('what a credential gives', () => {
  const publisher = grantOf(
    { principal, publish: orders, read: NO_TOPIC, manages: false, endsAt: Infinity },
    nobody,
  );

  it('publishing includes pings and registration, of these topics only', () => {
    expect(allowed(publisher, ORDERS)).toEqual(['ping', 'publish', 'register']);
    expect(allowed(publisher, NEWS)).toEqual([]);
  });

  it('is never less than what anybody may', () => {
    const open = anybodysGrant({ ...CLOSED, pings: true, reading: true });
    const reader = grantOf({ principal, publish: orders, read: NO_TOPIC, manages: false, endsAt: 5 }, open);
    expect(allowed(reader, NEWS)).toEqual(['ping', 'read']);
    expect(allowed(reader, ORDERS)).toEqual(['ping', 'publish', 'register', 'read']);
    expect(reader.endsAt).toBe(5);
  });

  it('a part of it is never more than it, and never the management API', () => {
    const admin = grantOf(
      { principal, publish: EVERY_TOPIC, read: EVERY_TOPIC, manages: true, endsAt: 9 },
      nobody,
    );
    expect(allowed(admin, NEWS)).toEqual([...ACTIONS, 'manage']);
    const part = narrowed(admin, { publish: NO_TOPIC, read: orders });
    expect(allowed(part, ORDERS)).toEqual(['read']);
    expect(allowed(part, NEWS)).toEqual([]);
    expect([part.endsAt, part.principal]).toEqual([9, principal]);
    expect(allowed(narrowed(publisher, { publish: EVERY_TOPIC, read: EVERY_TOPIC }), NEWS)).toEqual([]);
  });
});
