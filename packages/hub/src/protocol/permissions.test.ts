import { systemRandom } from '@websub/shared';
import { expect, it } from 'vitest';
import { Recipient } from '../subscription/recipient.js';
import { Roll } from '../subscription/roll.js';
import { Permissions, type PermissionsOptions } from './permissions.js';

const TOPIC = 'https://publisher.example/feed';
const SUBSCRIPTIONS = 12_000;

function given() {
  const roll = new Roll();
  for (let nth = 0; nth < SUBSCRIPTIONS; nth++) {
    const principal = { kind: 'key', id: `key-${nth % 100}`, tenant: 'acme' } as const;
    const lease = { secret: null, seconds: 300, endsAt: Infinity, since: 0 as never, principal };
    const callback = `https://c.example/${nth}`;
    const subscription = { id: callback, topic: TOPIC, callback, version: 1, lease, pending: null };
    roll.add(new Recipient(subscription, roll.topic(TOPIC), 'c.example:443'));
  }
  const revoked = new Set<string>();
  const asked = { times: 0 };
  const gate: Pick<PermissionsOptions['gate'], 'stillReads'> = {
    stillReads: (principal) => {
      asked.times++;
      return principal?.kind === 'key' && !revoked.has(principal.id);
    },
  };
  const permissions = new Permissions({
    gate,
    roll,
    random: systemRandom,
    subscriptions: { apply: () => Promise.resolve() },
  });
  return { permissions, revoked, asked };
}

it('LAW 13: everybody is looked at twice when a hundred keys are revoked together, and whoever they concern is found', async () => {
  const { permissions, revoked, asked } = given();
  const lost = new Set<string>();
  const looking: Promise<void>[] = [];
  for (let nth = 0; nth < 100; nth++) {
    revoked.add(`key-${nth}`);
    looking.push(permissions.findLost(({ subscription }) => void lost.add(subscription.id)));
  }
  await Promise.all(looking);
  expect(lost.size).toBe(SUBSCRIPTIONS);
  expect(asked.times).toBe(2 * SUBSCRIPTIONS);
});
