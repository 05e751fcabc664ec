import { describe, expect, it } from 'vitest';
import { idOf, manage } from '../support/manage.js';
import { listAll, published, subscribed, type HubAddress } from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld({ flags: ['--retry-delays', '0.05,0.05,0.05,0.05'] });

async function setPolicy(hub: HubAddress, topic: string, policy: string) {
  return manage(hub, 'PUT', `/topics/${encodeURIComponent(topic)}/policy`, { policy });
}

async function policyOf(hub: HubAddress, topic: string): Promise<unknown> {
  return (await listAll(hub, '/v1/topics', { topic }))[0]?.['policy'];
}

/** A subscription of a topic with this policy, kept back while three updates are published. */
async function away(hub: HubAddress, policy: string) {
  const topic = world.topic().url;
  expect(await setPolicy(hub, topic, policy)).toMatchObject({ status: 200 });
  const callback = world.callback();
  await subscribed(hub, callback, topic);
  const id = await idOf(hub, callback);
  await manage(hub, 'POST', `/subscriptions/${id}/pause`);
  for (const update of ['one', 'two', 'three']) await published(hub, topic, update);
  const comeBack = () => manage(hub, 'POST', `/subscriptions/${id}/resume`);
  return { topic, callback, comeBack };
}

describe('a callback that was away', () => {
  it('LAW 2: is given the newest update alone, and no dead letter, when the policy of the topic is latest', async () => {
    const { hub } = world;
    const { topic, callback, comeBack } = await away(hub, 'latest');
    await comeBack();
    await published(hub, topic, 'four');
    await until('it has the last', () => callback.texts.at(-1) === 'four');
    expect(callback.texts.filter((text) => text !== 'three')).toEqual(['four']);
    expect(await listAll(hub, '/v1/dead-letters', { topic })).toEqual([]);
  });

  it('LAW 2: is given every update when nothing else was said, or every was', async () => {
    const { hub } = world;
    const { topic, callback, comeBack } = await away(hub, 'every');
    await comeBack();
    await arrived('deliveries', callback.deliveries, 3);
    expect(callback.texts).toEqual(['one', 'two', 'three']);
    expect(await policyOf(hub, topic)).toBe('every');
  });

  it('LAW 2: is given the newest alone by a hub that was started again meanwhile', async () => {
    const hub = await world.startHub();
    const { topic, callback, comeBack } = await away(hub, 'latest');
    await hub.kill();
    await hub.restart();
    expect(await policyOf(hub, topic)).toBe('latest');
    await comeBack();
    await arrived('deliveries', callback.deliveries, 1);
    await published(hub, topic, 'four');
    await arrived('deliveries', callback.deliveries, 2);
    expect(callback.texts).toEqual(['three', 'four']);
  });
});

it('a callback that fails is tried again with the newest update of a topic whose policy is latest', async () => {
  const { hub } = world;
  const topic = world.topic().url;
  await setPolicy(hub, topic, 'latest');
  const callback = world.callback();
  await subscribed(hub, callback, topic);
  let isUp = false;
  callback.onDelivery = async ({ text }) => {
    // The next is published while this one is answered.
    if (text === 'one') await published(hub, topic, 'two');
    isUp ||= text === 'two';
    return { status: isUp ? 204 : 500 };
  };
  await published(hub, topic, 'one');
  await arrived('deliveries', callback.deliveries, 2);
  await published(hub, topic, 'three');
  await arrived('deliveries', callback.deliveries, 3);
  expect(callback.texts).toEqual(['one', 'two', 'three']);
});

it.each([
  [{ policy: 'sometimes' }, 'every, latest'],
  [{}, 'every, latest'],
])('refuses %j as a policy, and names those that there are', async (body, cure) => {
  const answer = await manage(
    world.hub,
    'PUT',
    `/topics/${encodeURIComponent(world.topic().url)}/policy`,
    body,
  );
  expect(answer.status).toBe(400);
  expect(answer.text).toContain(cure);
});

it('refuses a policy for what is no URL', async () => {
  expect(await setPolicy(world.hub, 'topic', 'latest')).toMatchObject({ status: 400 });
});
