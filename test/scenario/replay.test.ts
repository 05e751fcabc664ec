import { webhookKey } from '@websub/shared';
import { SubscriberListener } from '@websub/subscriber';
import { Webhook } from 'standardwebhooks';
import { afterAll, describe, expect, it } from 'vitest';
import { Inbox, silent, Told } from '../subscriber/world.js';
import { freePort } from '../support/free-port.js';
import { send, type Answer } from '../support/http.js';
import { listen, type Received } from '../support/listener.js';
import { published } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
});

/** A subscriber behind somebody who writes down all that reaches it, and can send it again. */
async function overheard(...topics: readonly string[]) {
  const port = await freePort();
  const captured: Received[] = [];
  const forward = (request: Received): Promise<Answer> =>
    send(`http://127.0.0.1:${port}${request.path}`, {
      method: request.method,
      headers: headersOf(request),
      ...(request.method === 'POST' ? { body: request.body } : {}),
    });
  const front = await listen(async (request) => {
    if (request.method === 'POST') captured.push(request);
    const { status, body } = await forward(request);
    return { status, body };
  });
  const listener = new SubscriberListener(port, { publicUrl: front.origin, logger: silent });
  const inbox = new Inbox();
  await listener.attachWithConfig(inbox, {
    target: topics.map((topic) => ({ hub: world.hub.url, topic })),
    // Shared by all topics: what keeps them apart is the signature alone.
    secret: 'one secret for all',
  });
  const told = new Told(listener);
  closing.push(
    () => front.close(),
    () => listener.immediateStop(),
  );
  await listener.start();
  await until('all are verified', () => told.verified.length === topics.length);
  return { inbox, captured, told, replay: forward };
}

function headersOf({ headers }: Received): Record<string, string> {
  const { 'transfer-encoding': _, connection: __, ...kept } = headers;
  return Object.fromEntries(
    Object.entries(kept).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

describe('a signed notification', () => {
  it('is verified by the Standard Webhooks library, given the derived key', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic, {
      'hub.secret': 's3cret',
      'hub.webhook_signature': 'v1',
    });
    await published(world.hub, topic, '{"id":7}', { contentType: 'application/json', id: 'order-7' });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    const verifier = new Webhook(Buffer.from(webhookKey('s3cret', topic)).toString('base64'));
    expect(verifier.verify(delivery!.body, headersOf(delivery!))).toEqual({ id: 7 });
    expect(() => verifier.verify('{"id":8}', headersOf(delivery!))).toThrow('No matching signature');
    expect(delivery?.headers['webhook-id']).toBe('order-7');
  });

  it.each([
    ['there is no secret', { 'hub.webhook_signature': 'v1' }],
    ['nobody asked for it', { 'hub.secret': 's3cret' }],
  ])('carries no webhook-signature where %s', async (_where, asked) => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic, asked);
    await published(world.hub, topic, 'news');
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['webhook-signature']).toBeUndefined();
    expect(delivery?.headers['webhook-timestamp']).toMatch(/^\d+$/);
  });

  it('is handled once: of 1,000 that are replayed, none is handled again', async () => {
    const topic = world.topic().url;
    const { inbox, captured, replay } = await overheard(topic);
    const updates = Array.from({ length: 1_000 }, (_each, n) => `update ${n}`);
    for (let start = 0; start < updates.length; start += 100)
      await Promise.all(updates.slice(start, start + 100).map((text) => published(world.hub, topic, text)));
    await arrived('notifications', inbox.notifications, updates.length, 30_000);
    const before = captured.slice();
    expect(before).toHaveLength(updates.length);
    for (const request of before) expect((await replay(request)).status).toBe(202);
    expect(inbox.notifications).toHaveLength(updates.length);
  }, 60_000);

  it('is refused when its id, its time or the signature over them was changed or taken away', async () => {
    const topic = world.topic().url;
    const { inbox, captured, replay, told } = await overheard(topic);
    await published(world.hub, topic, 'once');
    const [request] = await arrived('requests', captured, 1);
    await until('it is handled', () => inbox.notifications.length === 1);
    const changes: Record<string, string | undefined>[] = [
      { 'webhook-id': 'another' },
      { 'webhook-id': undefined },
      { 'webhook-timestamp': String(Math.floor(Date.now() / 1000) + 5) },
      { 'webhook-timestamp': undefined },
      { 'webhook-signature': `v1,${'A'.repeat(43)}=` },
      { 'webhook-signature': undefined },
      { 'webhook-signature': undefined, 'webhook-id': 'another' },
      { 'webhook-signature': undefined, 'webhook-id': undefined, 'webhook-timestamp': undefined },
    ];
    for (const change of changes) {
      const { status } = await replay({ ...request!, headers: { ...request!.headers, ...change } });
      expect(status).toBe(403);
    }
    expect(inbox.texts).toEqual(['once']);
    expect(told.errors.map(({ code }) => code)).toEqual(changes.map(() => 'invalid_signature'));
  });

  it("is refused at another topic's callback, even where both have the same secret", async () => {
    const topics = [world.topic().url, world.topic().url];
    const { inbox, captured, replay } = await overheard(...topics);
    for (const topic of topics) await published(world.hub, topic, `of ${topic}`);
    const requests = await arrived('requests', captured, 2);
    await until('both are handled', () => inbox.notifications.length === 2);
    const [first, second] = requests;
    expect((await replay({ ...first!, path: second!.path })).status).toBe(403);
    expect((await replay({ ...second!, path: first!.path })).status).toBe(403);
    expect(inbox.notifications).toHaveLength(2);
  });
});
