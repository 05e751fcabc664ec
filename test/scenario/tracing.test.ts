import { SubscriberListener } from '@websub/subscriber';
import { describe, expect, it } from 'vitest';
import { Inbox, silent, Told } from '../subscriber/world.js';
import { formOf, postForm, published } from '../support/requests.js';
import { send } from '../support/http.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--retry-delays', '0.05'] });

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const traced = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'vendor=opaque' };

/** The span that a request names, in the trace that the publisher began. */
function spanOf({ headers }: { readonly headers: Readonly<Record<string, string | undefined>> }): string {
  const [, span = ''] =
    new RegExp(`^00-${TRACE}-([0-9a-f]{16})-01$`).exec(headers['traceparent'] ?? '') ?? [];
  expect(span).not.toBe('');
  expect(span).not.toBe(PARENT);
  expect(headers['tracestate']).toBe('vendor=opaque');
  return span;
}

describe('the trace context of a request', () => {
  it('goes on with each delivery of what it published, each attempt a span of its own', async () => {
    const topic = world.topic().url;
    const callbacks = [await world.subscriber(topic), await world.subscriber(topic)];
    callbacks[0]!.onDelivery = (_delivery, nth) => ({ status: nth === 1 ? 500 : 204 });
    await published(world.hub, topic, 'traced', { headers: traced });
    const attempts = [
      ...(await arrived('attempts', callbacks[0]!.deliveries, 2)),
      ...(await arrived('deliveries', callbacks[1]!.deliveries, 1)),
    ];
    expect(new Set(attempts.map(spanOf)).size).toBe(3);
  });

  it('goes on with the fetch that a ping means, and with what that fetch finds', async () => {
    const topic = world.topic();
    const callback = await world.subscriber(topic.url);
    await postForm(world.hub, { 'hub.mode': 'publish', 'hub.url': topic.url }, traced);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(spanOf(delivery!)).not.toBe(spanOf(topic.requests.at(-1)!));
  });

  it('goes on with the verification of a subscription and of its end', async () => {
    const callback = world.callback();
    const fields = { 'hub.callback': callback.url, 'hub.topic': world.topic().url };
    for (const mode of ['subscribe', 'unsubscribe'] as const) {
      await postForm(world.hub, { ...fields, 'hub.mode': mode }, traced);
      spanOf(await until('it is asked', () => callback.verifications(mode)[0]));
    }
  });

  it('reaches the methods of a subscriber', async () => {
    const topic = world.topic().url;
    const inbox = new Inbox();
    const listener = new SubscriberListener(0, { logger: silent });
    const told = new Told(listener);
    await listener.attachWithConfig(inbox, { target: { hub: world.hub.url, topic } });
    await listener.start();
    await until('it is verified', () => told.verified.length === 1);
    await published(world.hub, topic, 'traced', { headers: traced });
    const [notification] = await arrived('notifications', inbox.notifications, 1);
    spanOf({ headers: Object.fromEntries(notification!.headers) });
    await listener.immediateStop();
  });

  it('is kept with the entry over a restart', async () => {
    const hub = await world.startHub({ flags: ['--retry-delays', '1'] });
    const topic = world.topic().url;
    const callback = world.callback();
    let healthy = false;
    callback.onDelivery = () => ({ status: healthy ? 204 : 500 });
    await postForm(hub, { 'hub.mode': 'subscribe', 'hub.callback': callback.url, 'hub.topic': topic });
    await until('it is verified', () => callback.verifications().length === 1);
    await published(hub, topic, 'kept', { headers: traced });
    const [before] = await arrived('attempts', callback.deliveries, 1);
    healthy = true;
    await hub.kill();
    await hub.restart();
    const [, after] = await arrived('attempts', callback.deliveries, 2);
    expect(spanOf(after!)).not.toBe(spanOf(before!));
  });

  it.each([
    ['none', {}],
    ['a state alone', { tracestate: 'vendor=opaque' }],
    ['an invalid parent', { ...traced, traceparent: `00-${'0'.repeat(32)}-${PARENT}-01` }],
    ['two parents', { ...traced, traceparent: [traced.traceparent, traced.traceparent] }],
  ])('that is %s is not passed on', async (_what, headers) => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const query = formOf({ 'hub.mode': 'publish', 'hub.topic': topic });
    const { status } = await send(`${world.hub.url}?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', ...headers },
      body: 'untraced',
    });
    expect(status).toBe(202);
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['traceparent']).toBeUndefined();
    expect(delivery?.headers['tracestate']).toBeUndefined();
  });

  it('keeps its parent when its state is invalid', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await published(world.hub, topic, 'traced', { headers: { ...traced, tracestate: 'no member' } });
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.headers['traceparent']).toContain(TRACE);
    expect(delivery?.headers['tracestate']).toBeUndefined();
  });
});
