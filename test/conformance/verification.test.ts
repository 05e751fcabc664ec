import { describe, expect, it } from 'vitest';
import { echo, type Callback, type Intent } from '../support/callbacks.js';
import type { Reply } from '../support/listener.js';
import {
  inState,
  published,
  subscribe,
  subscribed,
  subscriptionsOf,
  unsubscribe,
} from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld();

async function gone(callback: Callback): Promise<void> {
  await until(
    'the hub gave the request up',
    async () => (await subscriptionsOf(world.hub, callback.url)).length === 0,
  );
}

/** Subscribes a callback that answers its verifications like this, and settles when the hub has drawn its conclusion. */
async function refusedBy(onIntent: (intent: Intent) => Reply): Promise<Callback> {
  const callback = world.callback();
  callback.onIntent = onIntent;
  const topic = world.topic().url;
  await subscribe(world.hub, callback.url, topic);
  await arrived('verifications', callback.intents, 1);
  await gone(callback);
  await published(world.hub, topic, 'for nobody');
  await world.barrier(topic, await world.subscriber(topic));
  return callback;
}

describe('the verification request', () => {
  it('H24 comes for each accepted request before anything is delivered', async () => {
    const callback = world.callback();
    const topic = world.topic().url;
    let confirm: (reply: Reply) => void = () => undefined;
    callback.onIntent = () => new Promise((resolve) => (confirm = resolve));
    await subscribe(world.hub, callback.url, topic);
    const [intent] = await arrived('verifications', callback.intents, 1);
    const witness = await world.subscriber(topic);
    await world.barrier(topic, witness);
    expect(callback.deliveries).toEqual([]);
    confirm({ status: 200, body: intent?.challenge ?? '' });
    await inState(world.hub, callback, 'active');
  });

  it('H27 is a GET with mode, topic and challenge', async () => {
    const callback = world.callback();
    const topic = `${world.topics.origin}/feed?a=1&b=%20é#`.replace('é#', '%C3%A9');
    await subscribe(world.hub, callback.url, topic);
    const [intent] = await arrived('verifications', callback.intents, 1);
    expect(intent?.method).toBe('GET');
    expect(intent?.body).toHaveLength(0);
    expect(intent?.query.getAll('hub.mode')).toEqual(['subscribe']);
    expect(intent?.query.getAll('hub.topic')).toEqual([topic]);
    expect(intent?.query.getAll('hub.challenge')).toHaveLength(1);
  });

  it('H27 names the mode unsubscribe for an unsubscription', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await inState(world.hub, callback, 'active');
    await unsubscribe(world.hub, callback.url, topic);
    const [intent] = await until('it is verified', () => {
      const found = callback.verifications('unsubscribe');
      return found.length > 0 && found;
    });
    expect(intent?.method).toBe('GET');
    expect(intent?.topic).toBe(topic);
    expect(intent?.challenge).not.toBe('');
  });

  it('H28 tells the lease of a subscription in seconds', async () => {
    const callback = world.callback();
    await subscribe(world.hub, callback.url, world.topic().url, { 'hub.lease_seconds': 7200 });
    const [intent] = await arrived('verifications', callback.intents, 1);
    expect(intent?.query.getAll('hub.lease_seconds')).toEqual(['7200']);
  });

  it('H29 carries a random challenge of at least 128 bits from a safe alphabet, used once', async () => {
    const topic = world.topic().url;
    const callbacks = Array.from({ length: 40 }, () => world.callback());
    for (const callback of callbacks) await subscribed(world.hub, callback, topic);
    for (const callback of callbacks) await inState(world.hub, callback, 'active');
    for (const callback of callbacks) await subscribed(world.hub, callback, topic);
    const challenges = callbacks.flatMap(({ intents }) => intents.map(({ challenge }) => challenge));
    expect(challenges).toHaveLength(80);
    expect(new Set(challenges).size).toBe(80);
    // 22 characters of 6 bits are the least that holds 128 bits.
    for (const challenge of challenges) expect(challenge).toMatch(/^[A-Za-z0-9_-]{22,}$/);
  });

  it('echoes hub.verify_token of PubSubHubbub 0.4, and sends none that was not given', async () => {
    const [with04, without04] = [world.callback(), world.callback()];
    const topic = world.topic().url;
    await subscribe(world.hub, with04.url, topic, { 'hub.verify': 'async', 'hub.verify_token': 'tök en&=' });
    await subscribe(world.hub, without04.url, topic);
    const [asked] = await arrived('verifications', with04.intents, 1);
    const [plain] = await arrived('verifications', without04.intents, 1);
    expect(asked?.query.getAll('hub.verify_token')).toEqual(['tök en&=']);
    expect(plain?.query.has('hub.verify_token')).toBe(false);
    await inState(world.hub, with04, 'active');
    await unsubscribe(world.hub, with04.url, topic, { 'hub.verify': 'sync', 'hub.verify_token': 'another' });
    const [left] = await until('it is verified', () => {
      const found = with04.verifications('unsubscribe');
      return found.length > 0 && found;
    });
    expect(left?.query.getAll('hub.verify_token')).toEqual(['another']);
  });
});

describe('the answer to a verification', () => {
  it.each([300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 410, 429])(
    'H30 %i refuses the subscription, whatever its body',
    async (status) => {
      const callback = await refusedBy(({ challenge }) => ({
        status,
        ...(status === 304 ? {} : { body: challenge }),
      }));
      expect(callback.deliveries).toEqual([]);
      expect(callback.verifications()).toHaveLength(1);
    },
  );

  it.each([301, 302, 303, 307, 308])('H30 a %i is not followed', async (status) => {
    const elsewhere = await world.callbackServer();
    const target = elsewhere.callback();
    const callback = await refusedBy(({ path }) => ({
      status,
      headers: { location: target.url + path.replace(/^[^?]*/, '') },
    }));
    expect(elsewhere.connections()).toBe(0);
    expect(callback.deliveries).toEqual([]);
  });

  const bodies: readonly (readonly [what: string, body: (challenge: string) => string])[] = [
    ['nothing', () => ''],
    ['ok', () => 'ok'],
    ['the challenge and a line break', (challenge) => `${challenge}\n`],
    ['a space and the challenge', (challenge) => ` ${challenge}`],
    ['the challenge with a byte order mark', (challenge) => `\ufeff${challenge}`],
    ['the challenge in HTML', (challenge) => `<html><body>${challenge}</body></html>`],
    ['the challenge in JSON', (challenge) => JSON.stringify({ 'hub.challenge': challenge })],
    ['the challenge in quotes', (challenge) => JSON.stringify(challenge)],
    ['the challenge twice', (challenge) => challenge + challenge],
    ['the challenge cut short', (challenge) => challenge.slice(0, -1)],
    [
      'the challenge with one letter changed',
      (challenge) => (challenge.startsWith('A') ? 'B' : 'A') + challenge.slice(1),
    ],
    ['its own query reflected', (challenge) => `hub.challenge=${challenge}`],
    ['5,000 bytes', (challenge) => challenge.padEnd(5_000)],
  ];
  it.each(bodies)('H31 a 200 with %s refuses', async (_what, body) => {
    const callback = await refusedBy(({ challenge }) => ({ status: 200, body: body(challenge) }));
    expect(callback.deliveries).toEqual([]);
    expect(callback.verifications()).toHaveLength(1);
  });

  it.each([200, 201, 202, 203, 206, 226, 299])('H32 a %i with the challenge confirms', async (status) => {
    const callback = world.callback();
    callback.onIntent = ({ challenge }) => ({ status, body: challenge });
    const topic = world.topic().url;
    await subscribe(world.hub, callback.url, topic);
    await inState(world.hub, callback, 'active');
    await published(world.hub, topic, 'an update');
    await arrived('deliveries', callback.deliveries, 1);
  });

  it.each([
    ['text/plain;charset=utf-8', {}],
    ['application/octet-stream', {}],
    ['text/html', { 'set-cookie': 'a=b' }],
  ])('H32 the content type %s does not matter', async (contentType, more) => {
    const callback = world.callback();
    callback.onIntent = ({ challenge }) => ({
      status: 200,
      headers: { 'content-type': contentType, ...more },
      body: challenge,
    });
    await subscribe(world.hub, callback.url, world.topic().url);
    await inState(world.hub, callback, 'active');
  });

  it('H32 a challenge that comes in pieces confirms', async () => {
    const callback = world.callback();
    callback.onIntent =
      ({ challenge }) =>
      (response) => {
        response.writeHead(200);
        response.write(challenge.slice(0, 7));
        setImmediate(() => response.end(challenge.slice(7)));
      };
    await subscribe(world.hub, callback.url, world.topic().url);
    await inState(world.hub, callback, 'active');
  });

  it('delivers what is published right after the challenge was echoed', async () => {
    for (let round = 0; round < 10; round++) {
      const topic = world.topic().url;
      const callback = world.callback();
      let publication: Promise<string> | undefined;
      callback.onIntent = ({ challenge }) => ({
        status: 200,
        body: challenge,
        sent: () => void (publication = published(world.hub, topic, 'at once')),
      });
      await subscribe(world.hub, callback.url, topic);
      await until('it is published', () => publication);
      await publication;
      const [delivery] = await arrived('deliveries', callback.deliveries, 1);
      expect(delivery?.text).toBe('at once');
    }
  });
});

describe.concurrent('a verification that got no answer', () => {
  it('H10 comes again after 5xx, with another challenge, and then confirms', async () => {
    const server = await world.callbackServer();
    const callback = server.callback();
    callback.onIntent = (intent, nth) =>
      nth === 1 ? { status: 500, body: intent.challenge } : echo(intent, nth);
    await subscribe(world.hub, callback.url, world.topic().url, { 'hub.lease_seconds': 600 });
    const intents = await arrived('verifications', callback.intents, 2, 15_000);
    await inState(world.hub, callback, 'active');
    const [first, second] = intents;
    expect(second?.challenge).not.toBe(first?.challenge);
    expect(second?.query.get('hub.lease_seconds')).toBe('600');
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(3_000);
  });

  it('H10 comes again after a broken connection', async () => {
    const server = await world.callbackServer();
    const callback = server.callback();
    callback.onIntent = (intent, nth) => (nth === 1 ? 'reset' : echo(intent, nth));
    await subscribe(world.hub, callback.url, world.topic().url);
    await arrived('verifications', callback.intents, 2, 15_000);
    await inState(world.hub, callback, 'active');
  });

  it('H9 leaves the request pending meanwhile, and visible as such', async () => {
    const server = await world.callbackServer();
    const callback = server.callback();
    callback.onIntent = () => ({ status: 503 });
    await subscribe(world.hub, callback.url, world.topic().url);
    await arrived('verifications', callback.intents, 1);
    await inState(world.hub, callback, 'pending');
  });

  it('a callback that hangs holds up no other host', async () => {
    const [slow, quick] = [await world.callbackServer(), await world.callbackServer()];
    for (let n = 0; n < 20; n++) {
      const callback = slow.callback();
      callback.onIntent = () => 'hang';
      await subscribe(world.hub, callback.url, world.topic().url);
    }
    const callback = quick.callback();
    await subscribe(world.hub, callback.url, world.topic().url);
    await arrived('verifications', callback.intents, 1, 2_000);
    await inState(world.hub, callback, 'active');
  });
});
