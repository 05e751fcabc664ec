import { createHub } from '@websub/hub';
import { NetworkPolicy, systemClock, TestClock } from '@websub/shared';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DeliveryOutcome } from '../../packages/hub/dist/delivery/sender.js';
import { HubEmitter } from '../../packages/hub/dist/events.js';
import { WorkerSender } from '../../packages/hub/dist/workers/worker-sender.js';
import { send } from '../support/http.js';
import { published, subscribed } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

/** With `npm run workers`: threads that hang are ended after half a minute. */
const LONG = process.env['WORKERS'] !== undefined;
const ENDS = ['throw&times=2', 'memory', ...(LONG ? ['hang'] : [])];
const CLOSE_BY = 25;
const RETRIES = Array.from({ length: 50 }, () => '0.2').join(',');

const preload = new URL('../support/ending-thread.mjs', import.meta.url).href;

const world = useWorld({
  flags: ['--workers', '2', '--breaker', '--retry-delays', RETRIES],
  env: {
    // A small heap, which is full soon.
    NODE_OPTIONS: `--max-old-space-size=96 --import=${preload}`,
  },
});

describe('a delivery thread that ends', () => {
  it.each(ENDS)(
    'by %s is started again: what was under way in it is tried again, in order, and its origin is not blamed',
    async (end) => {
      const server = await world.callbackServer();
      const topic = world.topic().url;
      const closeBy = Array.from({ length: CLOSE_BY }, () => server.callback());
      for (const callback of closeBy) {
        callback.onDelivery = (_delivery, nth) => (nth === 1 ? 'hang' : { status: 204 });
        await subscribed(world.hub, callback, topic);
      }
      await published(world.hub, topic, 'first');
      for (const callback of closeBy) await arrived('attempts', callback.deliveries, 1);

      const fatal = server.callback(`?end=${end}`);
      const fatalTopic = world.topic().url;
      await subscribed(world.hub, fatal, fatalTopic);
      await published(world.hub, fatalTopic, 'fatal');
      await published(world.hub, topic, 'second');

      await until('it is delivered after all', () => fatal.texts.includes('fatal'), 60_000);
      for (const callback of closeBy) {
        await until('it has the second', () => callback.texts.includes('second'), 30_000);
        // What the thread had sent when it ended is sent again.
        expect([...new Set(callback.texts)]).toEqual(['first', 'second']);
        expect(callback.texts.slice(0, 2)).toEqual(['first', 'first']);
        expect(callback.texts.at(-1)).toBe('second');
      }
      expect(world.hub.output).not.toContain('host-held');
    },
    90_000,
  );

  it('is told of in the log, with why and what follows, and counted', async () => {
    const told = world.hub.output
      .split('\n')
      .filter((line) => line.includes('"where":"delivery-thread"'))
      .map((line) => (JSON.parse(line) as { error: string }).error);
    expect(told[0]).toMatch(
      /^a delivery thread ended \(ended by the test\): its \d+ requests are tried again, and it is started again in 0 ms$/,
    );
    expect(told).toEqual(
      expect.arrayContaining([
        expect.stringContaining('started again in 1000 ms'),
        expect.stringContaining('memory'),
      ]),
    );
    const { body } = await send(new URL('/metrics', world.hub.url).href);
    expect(body.toString()).toContain(`websub_faults_total ${told.length}\n`);
  });
});

describe('createHub with workers', () => {
  it.each([
    ['clock', { clock: new TestClock() }],
    ['resolver', { resolver: { resolve: () => Promise.resolve([]) } }],
  ])('refuses a %s of the caller, which no other thread can use, and says the cure', async (_port, ports) => {
    await expect(createHub({ workers: 1, data: ':memory:', port: 0, ports })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(/^workers .*: leave those ports out, or give 0$/) as string,
    });
  });
});

describe('LAW 9: a delivery thread', () => {
  const server = async (): Promise<{ port: string; connections: () => number; path: string }> => {
    const callbacks = await world.callbackServer();
    const { port, pathname } = new URL(callbacks.callback().url);
    return { port, path: pathname, connections: () => callbacks.connections() };
  };
  const sendTo = async (policy: NetworkPolicy, callback: string): Promise<DeliveryOutcome> => {
    const sender = new WorkerSender({
      workers: 1,
      policy,
      connectionsPerOrigin: 1,
      clock: systemClock,
      events: new HubEmitter(),
    });
    onTestFinished(() => sender.stop());
    await sender.start();
    const parcel = { id: 'it', topic: 'http://topic.example/', body: Buffer.from('an update'), headers: [] };
    const made = { attempt: 1, trace: undefined };
    const whom = { callback, host: 'localhost', secret: null, webhookSignature: false, authorization: null };
    return new Promise((settled) => sender.send(parcel, { made, ...whom, now: Date.now() }, settled));
  };

  it.each(['127.0.0.1', 'localhost'])(
    'connects to %s where the policy allows it, and nowhere else',
    async (host) => {
      const { port, path, connections } = await server();
      const callback = `http://${host}:${port}${path}`;
      expect(await sendTo(new NetworkPolicy(), callback)).toMatchObject({ reason: 'forbidden-address' });
      expect(connections()).toBe(0);
      expect(await sendTo(new NetworkPolicy({ allow: ['127.0.0.0/8'] }), callback)).toEqual({
        kind: 'delivered',
        status: 204,
      });
    },
  );
});
