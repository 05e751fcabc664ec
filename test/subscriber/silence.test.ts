import type { SubscriptionView } from '@websub/subscriber';
import { describe, expect, it } from 'vitest';
import { openWorld, until, type World } from './world.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function silentWorld(): Promise<{ readonly world: World; readonly stale: SubscriptionView[] }> {
  const world = await openWorld({ hub: { leaseSeconds: 864_000 } });
  const stale: SubscriptionView[] = [];
  world.listener.on('stale', (view) => stale.push(view));
  return { world, stale };
}

describe('a silent hub', () => {
  it('is told of once staleAfterMs have passed without a delivery, and once for each silence', async () => {
    const { world, stale } = await silentWorld();
    await using _world = world;
    await world.start({ staleAfterMs: HOUR_MS });
    await world.clock.advance(HOUR_MS - 60_000);
    expect(stale).toEqual([]);
    await world.clock.advance(120_000);
    await until(() => expect(stale).toMatchObject([{ topic: world.target[1], state: 'active' }]));
    await world.clock.advance(5 * HOUR_MS);
    expect(stale).toHaveLength(1);

    await world.hub.deliver(world.hub.subscription, '{}');
    await world.clock.advance(HOUR_MS - 60_000);
    expect(stale).toHaveLength(1);
    await world.clock.advance(120_000);
    await until(() => expect(stale).toHaveLength(2));
  });

  it('goes on over renewals by other callbacks, and is told once', async () => {
    const { world, stale } = await silentWorld();
    await using _world = world;
    await world.start({ staleAfterMs: 12 * DAY_MS, renewal: 'rotate' });
    for (let day = 0; day < 11; day++) await world.clock.advance(DAY_MS);
    await until(() => expect(new Set(world.hub.requests.map(({ callback }) => callback)).size).toBe(2));
    expect(stale).toEqual([]);
    await world.clock.advance(DAY_MS + 120_000);
    await until(() => expect(stale).toHaveLength(1));
    await world.clock.advance(DAY_MS);
    expect(stale).toHaveLength(1);
  });

  it('is none where deliveries come', async () => {
    const { world, stale } = await silentWorld();
    await using _world = world;
    await world.start({ staleAfterMs: HOUR_MS });
    for (let at = 0; at < 5; at++) {
      await world.clock.advance(HOUR_MS - 60_000);
      await world.hub.deliver(world.hub.subscription, '{}');
    }
    expect(stale).toEqual([]);
  });

  it("is nobody's business without staleAfterMs", async () => {
    const { world, stale } = await silentWorld();
    await using _world = world;
    await world.start();
    await world.clock.advance(3 * DAY_MS);
    expect(stale).toEqual([]);
  });
});
