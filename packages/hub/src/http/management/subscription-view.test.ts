import { TestClock } from '@websub/shared';
import { expect, it } from 'vitest';
import type { Position } from '../../log/log.js';
import { Recipient } from '../../subscription/recipient.js';
import { Roll } from '../../subscription/roll.js';
import { subscriptionView } from './subscription-view.js';

const TOPIC = 'https://publisher.example/feed';

it('shows a subscription as it is at one moment, also when a delivery fails while its lag is counted', async () => {
  const topic = new Roll().topic(TOPIC);
  topic.newest = 1 as Position;
  const lease = { secret: null, seconds: 300, endsAt: 2 ** 40, since: 0 as Position };
  const subscription = {
    id: 'one',
    topic: TOPIC,
    callback: 'https://c.example/',
    version: 1,
    lease,
    pending: null,
  };
  const recipient = new Recipient(subscription, topic, 'c.example:443');
  const view = await subscriptionView(recipient, {
    clock: new TestClock(),
    deliveries: { holdOf: () => undefined },
    recentAttempts: { of: () => [] },
    log: {
      epoch: 'e',
      behind: async () => {
        await Promise.resolve();
        recipient.failure = { since: 1, at: 1, status: 503, detail: 'answered 503' };
        return { entries: 1, bytes: 1, since: 0 };
      },
    },
  });
  expect(view).toMatchObject({ lag: { entries: 1 }, last_outcome: { status: 503 } });
  expect(view.failing_since).not.toBeNull();
});
