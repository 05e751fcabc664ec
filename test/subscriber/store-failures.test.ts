import { describe, expect, it } from 'vitest';
import {
  memoryStore,
  WebSubError,
  type StoredSubscription,
  type SubscriberListener,
  type SubscriptionStore,
} from '@websub/subscriber';
import { openWorld, Inbox } from './world.js';

const DISK = new Error('the disk is gone');

/** A store that fails while `isBroken`: half of it throws at the call, half of it rejects. */
class Disk implements SubscriptionStore {
  isBroken = false;
  readonly #store = memoryStore();

  get(id: string): Promise<StoredSubscription | undefined> {
    return this.isBroken ? Promise.reject(DISK) : this.#store.get(id);
  }

  put(subscription: StoredSubscription, version: number | undefined): Promise<boolean> {
    if (this.isBroken) throw DISK;
    return this.#store.put(subscription, version);
  }

  delete(id: string): Promise<void> {
    return this.isBroken ? Promise.reject(DISK) : this.#store.delete(id);
  }

  async *list(): AsyncIterable<StoredSubscription> {
    if (this.isBroken) throw DISK;
    yield* this.#store.list();
  }

  claimDue(before: Date, owner: string, holdMs: number): Promise<readonly StoredSubscription[]> {
    return this.isBroken ? Promise.reject(DISK) : this.#store.claimDue(before, owner, holdMs);
  }
}

describe('a store that fails', () => {
  const service = new Inbox();
  it.each<[string, (listener: SubscriberListener) => Promise<unknown>]>([
    ['subscribing', ({ subscriptions }) => subscriptions.subscribe(service, 'https://p.example/')],
    ['listing', ({ subscriptions }) => subscriptions.list()],
    ['renewing', ({ subscriptions }) => subscriptions.renew('some')],
    ['attaching', (listener) => listener.attach(new Inbox(), '/other')],
    ['detaching', (listener) => listener.detach(service, { unsubscribe: true })],
  ])('is told as store_failed with its cause by %s', async (_, call) => {
    const store = new Disk();
    await using world = await openWorld({ listener: { store } });
    await world.listener.attach(service, '/service');
    await world.listener.start();
    store.isBroken = true;
    const failure: unknown = await call(world.listener).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(WebSubError);
    expect(failure).toMatchObject({ code: 'store_failed', cause: DISK });
  });

  it('is told so by start, which can be tried again', async () => {
    const store = new Disk();
    await using world = await openWorld({ listener: { store } });
    store.isBroken = true;
    await expect(world.listener.start()).rejects.toMatchObject({ code: 'store_failed', cause: DISK });
    store.isBroken = false;
    await expect(world.listener.start()).resolves.toMatchObject({ failed: [] });
  });
});

describe('a record with only the members that every record has', () => {
  it('is resumed, renewed and ended', async () => {
    const store = memoryStore();
    await using world = await openWorld({ listener: { store, publicUrl: 'https://me.example/' } });
    const [hub, topic] = world.target;
    const id = 'websub-aaaaaaaaaaaaaaaaaaaaaaaa';
    await store.put(
      {
        id,
        hub,
        topic,
        callback: `https://me.example/feed/${id}`,
        state: 'active',
        version: 1,
        secrets: ['s3cret'],
        service: '/feed',
      },
      undefined,
    );
    const { resumed } = await world.start({ path: '/feed', renewal: 'keep' });
    expect(resumed).toMatchObject([{ id, state: 'active' }]);
    expect(world.hub.requests).toEqual([]);
    await world.listener.subscriptions.renew(id);
    await world.listener.subscriptions.unsubscribe(id);
    expect(world.hub.requests.map(({ mode, topic: asked }) => [mode, asked])).toEqual([
      ['subscribe', topic],
      ['unsubscribe', topic],
    ]);
  });
});
