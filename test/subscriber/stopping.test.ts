import { describe, expect, it } from 'vitest';
import { memoryStore, type SubscriptionStore } from '@websub/subscriber';
import { freePort } from '../support/free-port.js';
import { openWorld, until } from './world.js';

/** A promise, and what settles it. */
function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('a stop while the listener opens', () => {
  it.each(['gracefulStop', 'immediateStop'] as const)(
    'by %s holds: nothing is asked of a hub, and it can be started again',
    async (stop) => {
      const tunnel = gate();
      const urls = [tunnel.opened.then(() => 'http://127.0.0.1:9/')];
      const port = await freePort();
      const publicUrl = (): Promise<string> => urls.shift() ?? Promise.resolve(`http://127.0.0.1:${port}/`);
      await using world = await openWorld({ port, listener: { publicUrl } });
      const starting = world.start().catch((thrown: unknown) => thrown);
      await until(() => expect(urls).toEqual([]));
      await world.listener[stop]();
      tunnel.open();
      expect(await starting).toMatchObject({ code: 'stopped' });
      expect(world.hub.requests).toEqual([]);
      await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
      expect((await world.listener.start()).subscribed).toHaveLength(1);
    },
  );
});

describe('a graceful stop', () => {
  it('that waits for hubs ends with an immediate one, and leaves the next run alone', async () => {
    const port = await freePort();
    await using world = await openWorld({ port });
    await world.start({ unsubscribeOnShutdown: true });
    // This hub takes the request and never asks.
    world.hub.reply = () => ({ status: 202 });
    const stopping = world.listener.gracefulStop();
    await until(() => expect(world.hub.requests).toHaveLength(2));
    await world.listener.immediateStop();
    await stopping;
    world.hub.reply = undefined;
    await world.listener.start();
    await world.clock.advance(20_000);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  });

  it('settles at the end for everyone who asked for it', async () => {
    await using world = await openWorld();
    const work = gate();
    const seen: unknown[] = [];
    const service = { onEventNotification: (n: unknown) => (seen.push(n), work.opened) };
    await world.listener.attachWithConfig(service, { target: world.target, ack: 'received' });
    await world.listener.start();
    await world.hub.deliver(world.hub.subscription, '{}');
    await until(() => expect(seen).toHaveLength(1));
    const settled: string[] = [];
    const first = world.listener.gracefulStop().then(() => settled.push('first'));
    const second = world.listener.gracefulStop().then(() => settled.push('second'));
    await expect(world.listener.start()).rejects.toThrow('await gracefulStop() first');
    expect(settled).toEqual([]);
    work.open();
    await Promise.all([first, second]);
    expect(settled).toHaveLength(2);
  });

  it('goes on where the store fails, and tells so', async () => {
    const inner = memoryStore();
    let isBroken = false;
    const store: SubscriptionStore = {
      get: (id) => inner.get(id),
      put: (...values) => inner.put(...values),
      delete: (id) => inner.delete(id),
      claimDue: (...values) => inner.claimDue(...values),
      list() {
        if (isBroken) throw new Error('disk gone');
        return inner.list();
      },
    };
    const port = await freePort();
    await using world = await openWorld({ port, listener: { store } });
    await world.start({ unsubscribeOnShutdown: true });
    isBroken = true;
    await world.listener.gracefulStop();
    expect(world.told.errors).toMatchObject([{ message: expect.stringContaining('disk gone') as unknown }]);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed');
    isBroken = false;
    expect((await world.listener.start()).resumed).toHaveLength(1);
  });

  it('while a target is tried again sends nothing more for it', async () => {
    await using world = await openWorld();
    world.site.pages.set('/feed', { status: 503 });
    const starting = world.start({ target: `${world.site.url}/feed` });
    await until(() => expect(world.site.requests).toHaveLength(1));
    await world.listener.gracefulStop();
    const report = starting.catch((thrown: unknown) => thrown);
    await world.clock.advance(600_000);
    expect(await report).toMatchObject({ failed: [{ error: { code: 'stopped' } }] });
    expect(world.site.requests).toHaveLength(1);
  });

  it('at SIGTERM waits for no more than what is under way', async () => {
    const port = await freePort();
    await using world = await openWorld({ port, listener: { signals: true } });
    await world.start();
    process.emit('SIGTERM');
    await until(() => expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed'));
    await world.listener.start();
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('at a second %s goes on stopping gracefully', async (signal) => {
    await using world = await openWorld({ listener: { signals: true } });
    await world.start({ unsubscribeOnShutdown: true });
    const listening = process.listenerCount(signal);
    process.emit(signal);
    // A signal that nobody listens for kills the process.
    expect(process.listenerCount(signal)).toBe(listening);
    process.emit(signal);
    await world.listener.gracefulStop();
    expect(world.hub.subscriptions.size).toBe(0);
    expect(process.listenerCount(signal)).toBe(listening - 1);
  });
});

it('a service that is let go while its hub is asked is not tried again', async () => {
  await using world = await openWorld();
  const answer = gate();
  world.hub.reply = async () => {
    await answer.opened;
    return { status: 503 };
  };
  await world.listener.start();
  const service = {};
  const options = { target: world.target, httpConfig: { retry: { attempts: 1 } } };
  const attaching = world.listener.attachWithConfig(service, options);
  await until(() => expect(world.hub.requests).toHaveLength(1));
  await world.listener.detach(service);
  answer.open();
  await attaching;
  await world.clock.advance(600_000);
  expect(world.hub.requests).toHaveLength(1);
});
