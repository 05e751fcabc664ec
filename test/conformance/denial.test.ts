import { describe, expect, it } from 'vitest';
import { subscribe, subscribed, unsubscribe, withoutAddress, type HubAddress } from '../support/requests.js';
import { arrived } from '../support/until.js';
import { useEmbeddedWorld, type World } from '../support/world.js';

// The hub may connect to one loopback address only. "localhost" has others, so a topic there is one that it refuses, and
// only after it has looked the name up.
const ALLOWED = '127.0.0.2';
const REFUSED_TOPIC = 'http://localhost:9/topic';
const world = useEmbeddedWorld({ dev: false, flags: ['--allow-network', `${ALLOWED}/32`] });

async function reachable(parts: World<HubAddress>) {
  return (await parts.callbackServer({ host: ALLOWED })).callback('?own=1');
}

describe('a subscription that the hub refuses after it accepted the request', () => {
  it('H23, H25 is told to the callback by GET with hub.mode=denied, hub.topic and a reason', async () => {
    const callback = await reachable(world);
    const answer = await subscribe(world.hub, callback.url, REFUSED_TOPIC);
    expect(answer.status).toBe(202);
    const [denial] = await arrived('denials', callback.intents, 1);
    expect(denial?.method).toBe('GET');
    expect(denial?.mode).toBe('denied');
    expect(denial?.query.getAll('hub.topic')).toEqual([REFUSED_TOPIC]);
    expect(denial?.query.get('hub.reason')).toMatch(/topic/);
    expect(denial?.query.has('hub.challenge')).toBe(false);
    expect(denial?.path).toMatch(/\?own=1&hub\./);
  });

  it('H9 is answered as one that it takes', async () => {
    const [refused, taken] = [await reachable(world), await reachable(world)];
    const answers = [
      await subscribe(world.hub, refused.url, REFUSED_TOPIC),
      await subscribe(world.hub, taken.url, `http://${ALLOWED}:9/topic`),
    ];
    await arrived('denials', refused.intents, 1);
    const [intent] = await arrived('verifications', taken.intents, 1);
    expect(intent?.mode).toBe('subscribe');
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(new Set(answers.map(({ text }) => withoutAddress(text))).size).toBe(1);
  });

  it('H24 is not verified, and an echo to the denial does not make it one', async () => {
    const callback = await reachable(world);
    await subscribe(world.hub, callback.url, REFUSED_TOPIC);
    await arrived('denials', callback.intents, 1);
    const witness = await reachable(world);
    await subscribed(world.hub, witness, `http://${ALLOWED}:9/topic`);
    expect(callback.intents.map(({ mode }) => mode)).toEqual(['denied']);
  });

  it('H21 is not said to an unsubscription: that is verified, whatever the topic', async () => {
    const callback = await reachable(world);
    await unsubscribe(world.hub, callback.url, REFUSED_TOPIC);
    const [intent] = await arrived('verifications', callback.intents, 1);
    expect(intent?.mode).toBe('unsubscribe');
  });
});
