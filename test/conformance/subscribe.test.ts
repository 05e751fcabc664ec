import { describe, expect, it } from 'vitest';
import type { Reply } from '../support/listener.js';
import { send } from '../support/http.js';
import {
  FORM,
  formOf,
  inState,
  ping,
  postForm,
  published,
  subscribe,
  subscribed,
  subscriptionsOf,
  withoutAddress,
  type Fields,
} from '../support/requests.js';
import { arrived, until } from '../support/until.js';
import { useEmbeddedWorld } from '../support/world.js';

const world = useEmbeddedWorld();

const good: Fields = {
  'hub.mode': 'subscribe',
  'hub.callback': 'http://127.0.0.1:9/callback',
  'hub.topic': 'http://127.0.0.1:9/topic',
};

function without(name: string): Fields {
  return Object.fromEntries(Object.entries(good).filter(([each]) => each !== name));
}

describe('a request to subscribe that is taken', () => {
  it('H2 accepts callback, mode and topic with 202', async () => {
    const callback = world.callback();
    const answer = await subscribe(world.hub, callback.url, world.topic().url);
    expect(answer.status).toBe(202);
    await arrived('verifications', callback.intents, 1);
  });

  it.each([
    'application/x-www-form-urlencoded; charset=UTF-8',
    'application/x-www-form-urlencoded;charset=utf-8',
    'Application/X-WWW-Form-Urlencoded',
  ])('H2 accepts the content type %s', async (contentType) => {
    const callback = world.callback();
    const answer = await send(world.hub.url, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: formOf({ ...good, 'hub.callback': callback.url }),
    });
    expect(answer.status).toBe(202);
    await arrived('verifications', callback.intents, 1);
  });

  it('H3 accepts a secret', async () => {
    const callback = world.callback();
    const answer = await subscribe(world.hub, callback.url, world.topic().url, {
      'hub.secret': 'a secret of 20 bytes',
    });
    expect(answer.status).toBe(202);
    await inState(world.hub, callback, 'active');
  });

  it('H4 ignores parameters that it does not know', async () => {
    const callback = world.callback();
    const answer = await subscribe(world.hub, callback.url, world.topic().url, {
      foo: 'bar',
      'hub.foo': 'hub.bar',
      'hub.lease_seconds.nested': '1',
      'hub[mode]': 'unsubscribe',
      constructor: 'x',
      __proto__x: 'y',
    });
    expect(answer.status).toBe(202);
    const [intent] = await arrived('verifications', callback.intents, 1);
    expect(intent?.mode).toBe('subscribe');
  });

  it.each([['sync'], ['async'], [['sync', 'async']]])(
    'H4 ignores hub.verify=%s of PubSubHubbub 0.4',
    async (verify) => {
      const callback = world.callback();
      const answer = await subscribe(world.hub, callback.url, world.topic().url, { 'hub.verify': verify });
      expect(answer.status).toBe(202);
      await inState(world.hub, callback, 'active');
    },
  );

  it('H5 accepts a secret of 199 bytes, also when its characters have several', async () => {
    for (const secret of ['s'.repeat(199), `${'ß'.repeat(99)}s`]) {
      const callback = world.callback();
      const answer = await subscribe(world.hub, callback.url, world.topic().url, { 'hub.secret': secret });
      expect(answer.status).toBe(202);
    }
  });
});

describe('a request to subscribe that is refused', () => {
  const refused: readonly (readonly [what: string, fields: Fields, named: RegExp])[] = [
    ['no hub.mode', without('hub.mode'), /hub\.mode/],
    ['an unknown hub.mode', { ...good, 'hub.mode': 'subscribed' }, /hub\.mode/],
    ['hub.mode in capitals', { ...good, 'hub.mode': 'SUBSCRIBE' }, /hub\.mode/],
    ['no hub.callback', without('hub.callback'), /hub\.callback/],
    ['an empty hub.callback', { ...good, 'hub.callback': '' }, /hub\.callback/],
    ['no hub.topic', without('hub.topic'), /hub\.topic/],
    ['an empty hub.topic', { ...good, 'hub.topic': '' }, /hub\.topic/],
    ['a relative callback', { ...good, 'hub.callback': '/callback' }, /hub\.callback/],
    ['a callback without a host', { ...good, 'hub.callback': 'http://' }, /hub\.callback/],
    ['an ftp callback', { ...good, 'hub.callback': 'ftp://127.0.0.1/callback' }, /hub\.callback/],
    ['a javascript callback', { ...good, 'hub.callback': 'javascript:alert(1)' }, /hub\.callback/],
    ['a file topic', { ...good, 'hub.topic': 'file:///etc/passwd' }, /hub\.topic/],
    ['a topic that is no URL', { ...good, 'hub.topic': 'topic' }, /hub\.topic/],
    ['hub.mode twice', { ...good, 'hub.mode': ['subscribe', 'unsubscribe'] }, /hub\.mode/],
    [
      'hub.callback twice',
      { ...good, 'hub.callback': ['http://127.0.0.1:9/a', 'http://127.0.0.1:9/b'] },
      /hub\.callback/,
    ],
    [
      'hub.topic twice',
      { ...good, 'hub.topic': ['http://127.0.0.1:9/a', 'http://127.0.0.1:9/b'] },
      /hub\.topic/,
    ],
    ['hub.secret twice', { ...good, 'hub.secret': ['one', 'two'] }, /hub\.secret/],
    ['hub.lease_seconds twice', { ...good, 'hub.lease_seconds': ['60', '90'] }, /hub\.lease_seconds/],
    ['a lease that is no number', { ...good, 'hub.lease_seconds': 'abc' }, /hub\.lease_seconds/],
    ['a lease of 0', { ...good, 'hub.lease_seconds': '0' }, /hub\.lease_seconds/],
    ['a negative lease', { ...good, 'hub.lease_seconds': '-60' }, /hub\.lease_seconds/],
    ['a lease with a fraction', { ...good, 'hub.lease_seconds': '1.5' }, /hub\.lease_seconds/],
    ['a lease in hexadecimal', { ...good, 'hub.lease_seconds': '0x3c' }, /hub\.lease_seconds/],
  ];

  it.each(refused)('H6 answers %s with 400', async (_what, fields) => {
    expect((await postForm(world.hub, fields)).status).toBe(400);
  });

  it.each(refused)('H7 says in plain text what is wrong with %s', async (_what, fields, named) => {
    const answer = await postForm(world.hub, fields);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.text).toMatch(named);
  });

  it('H5 refuses a secret of 200 bytes, counted as bytes of UTF-8', async () => {
    for (const secret of ['s'.repeat(200), 'ß'.repeat(100), '🔑'.repeat(50), 's'.repeat(5_000)]) {
      const answer = await postForm(world.hub, { ...good, 'hub.secret': secret });
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(/hub\.secret/);
      expect(answer.text).not.toContain(secret);
    }
  });

  it('H6 answers a body that is not a form with 4xx', async () => {
    const body = JSON.stringify(good);
    const answer = await send(world.hub.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it('H6 asks no callback whose request it refused', async () => {
    const callback = world.callback();
    await subscribe(world.hub, callback.url, world.topic().url, { 'hub.lease_seconds': 'abc' });
    await subscribe(world.hub, callback.url, 'nonsense');
    // The witness's verification is the barrier: it was asked for later, at the same host.
    await world.subscriber(world.topic().url);
    expect(callback.intents).toEqual([]);
  });
});

describe('the answer to a request', () => {
  it('H9 is 202 before the callback has answered its verification', async () => {
    const server = await world.callbackServer();
    const callback = server.callback();
    let release: (reply: Reply) => void = () => undefined;
    callback.onIntent = () => new Promise((resolve) => (release = resolve));
    const answer = await subscribe(world.hub, callback.url, world.topic().url);
    expect(answer.status).toBe(202);
    const [intent] = await arrived('verifications', callback.intents, 1);
    release({ status: 200, body: intent?.challenge ?? '' });
    await inState(world.hub, callback, 'active');
  });

  it('H9 is the same for a callback that confirms, refuses, or is not there', async () => {
    const topic = world.topic().url;
    const refusing = world.callback();
    refusing.onIntent = () => ({ status: 404 });
    const answers = [
      await subscribe(world.hub, world.callback().url, topic),
      await subscribe(world.hub, refusing.url, topic),
      await subscribe(world.hub, 'http://127.0.0.1:9/nobody-listens', topic),
      await subscribe(world.hub, 'http://no-such-host.invalid/callback', topic),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(new Set(answers.map(({ text }) => withoutAddress(text))).size).toBe(1);
  });

  it('H9 does not depend on the topic: one that fails or is not there is accepted and verified', async () => {
    const failing = world.topic();
    failing.onRequest = () => ({ status: 500 });
    for (const topic of [failing.url, `${world.topics.origin}/missing`, 'http://127.0.0.1:9/dead']) {
      const callback = world.callback();
      expect((await subscribe(world.hub, callback.url, topic)).status).toBe(202);
      await inState(world.hub, callback, 'active');
    }
    expect(failing.requests).toEqual([]);
  });

  it('H10 is followed by the verification as soon as possible', async () => {
    const callback = world.callback();
    const askedAt = performance.now();
    await subscribe(world.hub, callback.url, world.topic().url);
    const [intent] = await arrived('verifications', callback.intents, 1);
    expect((intent?.at ?? Infinity) - askedAt).toBeLessThan(1_000);
  });

  it('H12 is never a redirect, so there is no Location to give', async () => {
    for (const fields of [
      good,
      { ...good, 'hub.mode': 'unsubscribe' },
      { ...good, 'hub.mode': 'nonsense' },
    ]) {
      const answer = await postForm(world.hub, fields);
      expect([202, 400]).toContain(answer.status);
      expect(answer.headers.location).toBeUndefined();
    }
  });
});

describe('the URLs of a request', () => {
  it('H13 decodes the form once: what was escaped in the URL itself stays escaped', async () => {
    const topic = `${world.topics.origin}/a%20b%2Fc%3F?q=%26&r=%C3%A9`;
    const callback = world.callback('/x%20y%2Fz?k=%3D%26');
    const fields = formOf({ 'hub.mode': 'subscribe', 'hub.callback': callback.url, 'hub.topic': topic });
    // Characters that need no escape may be escaped all the same, and case does not matter in an escape.
    const overEscaped = fields
      .replaceAll('hub.', 'hub%2E')
      .replaceAll('http', '%68ttp')
      .replaceAll('%3A', '%3a');
    const answer = await send(world.hub.url, {
      method: 'POST',
      headers: { 'content-type': FORM },
      body: overEscaped,
    });
    expect(answer.status).toBe(202);
    const [intent] = await arrived('verifications', callback.intents, 1);
    expect(intent?.topic).toBe(topic);
    expect(intent?.path.startsWith(new URL(callback.url).pathname)).toBe(true);
    expect(intent?.path).toContain('/x%20y%2Fz?k=%3D%26&hub.');
  });

  it.each([
    ['no query', ''],
    ['a query', '?a=b'],
    ['escapes and plus signs', '?a=%20+%2B&b=%C3%A9'],
    ['empty values, bare names and repeated names', '?a=&b&b&c=1&c=2'],
    ['sub-delimiters', "?q=it's;(a)*!$,:@/?"],
    ['escapes in lower case', '?next=%2fhome%2f'],
    [
      'parameters of the same names',
      '?hub.mode=unsubscribe&hub.challenge=mine&hub.topic=none&hub.lease_seconds=1',
    ],
  ])('H15 appends its parameters to a callback with %s without touching it', async (_what, query) => {
    const callback = world.callback(query);
    const topic = world.topic().url;
    await subscribe(world.hub, callback.url, topic);
    const [intent] = await arrived('verifications', callback.intents, 1);
    const own = callback.url.slice(callback.url.indexOf('/', 'http://'.length));
    expect(intent?.path.slice(0, own.length)).toBe(own);
    expect(intent?.path.slice(own.length)).toMatch(query === '' ? /^\?hub\./ : /^&hub\./);
    expect(intent?.mode).toBe('subscribe');
    expect(intent?.topic).toBe(topic);
    await inState(world.hub, callback, 'active');
  });

  it('H15 checks the body against its own challenge, not against one in the callback', async () => {
    const callback = world.callback('?hub.challenge=mine');
    callback.onIntent = () => ({ status: 200, body: 'mine' });
    const topic = world.topic().url;
    await subscribe(world.hub, callback.url, topic);
    await arrived('verifications', callback.intents, 1);
    await until(
      'nothing is left of it',
      async () => (await subscriptionsOf(world.hub, callback.url)).length === 0,
    );
    await world.barrier(topic, await world.subscriber(topic));
    expect(callback.deliveries).toEqual([]);
  });

  it('H16 delivers to the callback with its query in the URL and nothing of it in the body', async () => {
    const query = "?id=%2F1&empty=&name=O'Brien+x";
    const callback = world.callback(query);
    const topic = world.topic().url;
    await subscribed(world.hub, callback, topic);
    await published(world.hub, topic, 'the body');
    const [delivery] = await arrived('deliveries', callback.deliveries, 1);
    expect(delivery?.path).toMatch(/^\/c\d+\?/);
    expect(delivery?.path.replace(/^[^?]*/, '')).toBe(query);
    expect(delivery?.text).toBe('the body');
  });
});

describe('repeated requests', () => {
  it('H17 verifies an active subscription that is asked for again, and delivers once', async () => {
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    await inState(world.hub, callback, 'active');
    await subscribed(world.hub, callback, topic);
    expect(callback.verifications()).toHaveLength(2);
    const witness = await world.subscriber(topic);
    await published(world.hub, topic, 'an update');
    await world.barrier(topic, witness);
    expect(callback.texts.filter((text) => text === 'an update')).toHaveLength(1);
  });

  it('H58 keeps one subscription for each pair of topic and callback', async () => {
    const [one, two] = [world.topic().url, world.topic().url];
    const [first, second] = [world.callback(), world.callback()];
    await subscribed(world.hub, first, one);
    await subscribed(world.hub, first, two);
    await subscribed(world.hub, second, one);
    await subscribed(world.hub, first, one);
    await until('three are active', async () => {
      const rows = [
        ...(await subscriptionsOf(world.hub, first.url)),
        ...(await subscriptionsOf(world.hub, second.url)),
      ];
      expect(rows.length).toBeLessThanOrEqual(3);
      return rows.filter((row) => row['state'] === 'active').length === 3;
    });
    await published(world.hub, one, 'of one');
    await published(world.hub, two, 'of two');
    await arrived('deliveries', first.deliveries, 2);
    await arrived('deliveries', second.deliveries, 1);
    await world.barrier(two, first);
    expect(first.texts.filter((text) => text.startsWith('of')).sort()).toEqual(['of one', 'of two']);
    expect(second.texts).toEqual(['of one']);
  });

  it('H58 takes callbacks that differ in anything for different ones', async () => {
    const topic = world.topic();
    const server = await world.callbackServer();
    const variants = ['', '?', '?a=1', '?a=%31', '/'].map((rest) => server.callback(rest));
    for (const callback of variants) await subscribed(world.hub, callback, topic.url);
    await ping(world.hub, topic.url);
    for (const callback of variants) await arrived('deliveries', callback.deliveries, 1);
  });
});
