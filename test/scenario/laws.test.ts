import { createHub } from '@websub/hub';
import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { listAll, published, subscribed, unsubscribe } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld({ flags: ['--log-level', 'trace', '--retry-delays', '0.2'] });

describe('laws that no rule of the Recommendation names', () => {
  it('LAW 3: a subscription has one request in flight, however fast its topic is', async () => {
    const server = await world.callbackServer();
    const callback = server.callback();
    const topic = world.topic().url;
    let open = 0;
    let most = 0;
    callback.onDelivery = async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open--;
      return { status: 204 };
    };
    await subscribed(world.hub, callback, topic);
    const updates = Array.from({ length: 20 }, (_each, n) => `update ${n}`);
    await Promise.all(updates.map((update) => published(world.hub, topic, update)));
    await arrived('deliveries', callback.deliveries, updates.length);
    expect(most).toBe(1);
    expect([...callback.texts].sort()).toEqual([...updates].sort());
  });

  it('LAW 6: bytes are delivered as published, with their media type', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const bytes = Uint8Array.from({ length: 1024 }, (_each, n) => (n * 31) % 256);
    const contentType = 'application/vnd.example+json; profile="a b"; charset=latin1';
    await published(world.hub, topic, bytes, { contentType });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.body.equals(bytes)).toBe(true);
    expect(delivery?.headers['content-type']).toBe(contentType);
  });

  it('LAW 10: the log holds no secret, no body, no query string and no path of a callback', async () => {
    const planted = [
      's3cr3t-of-subscriber',
      'b0dy-of-update',
      'qu3ry-of-topic',
      'qu3ry-of-callback',
      't0ken-to-verify',
    ];
    const hub = await world.startHub({ flags: ['--log-level', 'trace', '--retry-delays', '0.1'] });
    const topic = `${world.topic().url}?key=qu3ry-of-topic`;
    const callback = world.callback('?key=qu3ry-of-callback');
    callback.onDelivery = (_delivery, nth) => ({ status: nth === 1 ? 500 : 410, body: 'b0dy-of-update' });
    const fields = { 'hub.secret': 's3cr3t-of-subscriber', 'hub.verify_token': 't0ken-to-verify' };
    await subscribed(hub, callback, topic, fields);
    await published(hub, topic, 'b0dy-of-update');
    await until('the subscription ended', () => hub.output.includes('subscription-ended'));
    await unsubscribe(hub, callback.url, topic);
    await hub.terminate();
    expect(planted.filter((secret) => hub.output.includes(secret))).toEqual([]);
    expect(hub.output).not.toContain(new URL(callback.url).pathname);
    const lines = hub.output.trim().split('\n');
    expect(lines.map((line) => typeof JSON.parse(line) as string)).toEqual(lines.map(() => 'object'));
  });

  it('LAW 12: a callback that falls off the log hears of what follows, and the gap is on record', async () => {
    const clock = new TestClock(Date.now());
    const hub = await createHub({
      dev: true,
      port: 0,
      data: ':memory:',
      retainEntries: 1,
      retryDelays: [600],
      ports: { clock },
    });
    try {
      const server = await world.callbackServer();
      const callback = server.callback();
      const topic = world.topic().url;
      let healthy = false;
      callback.onDelivery = () => ({ status: healthy ? 204 : 500 });
      await subscribed(hub, callback, topic);
      for (const update of ['one', 'two', 'three']) await published(hub, topic, update);
      await arrived('attempts', callback.deliveries, 1);
      healthy = true;
      const trimmed = new Promise((resolve) => hub.events.once('log-trimmed', resolve));
      await clock.advance(60_000);
      await trimmed;
      await clock.advance(700_000);
      await until('the newest arrived', () => callback.texts.at(-1) === 'three');
      expect(callback.texts).toEqual(['one', 'three']);
      const letters = await listAll(hub, '/v1/dead-letters');
      expect(letters.map(({ reason, callback: to }) => [reason, to])).toEqual([['trimmed', callback.url]]);
    } finally {
      await hub.stop();
    }
  });
});
