import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryOf } from '../../contract/samples.js';
import {
  ADMIN_KEY,
  SocketServer,
  until,
  type Client,
  type SocketServerOptions,
} from '../../http/socket-server.sample.js';
import { LoomTopics } from '../loom/loom-topics.js';
import { CableProtocol } from './cable-protocol.js';

const HUB = 'https://hub.example/';
const SECRET = 'a secret of streams';
const V1 = 'actioncable-v1-json';
const EXT = 'actioncable-v1-ext-json';
const ORDERS = 'https://shop.example/orders';
const AS_ADMIN = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };

type Message = Readonly<Record<string, unknown>>;

function start(
  options: SocketServerOptions & { readonly streamsSecret?: string } = {},
): Promise<SocketServer> {
  return SocketServer.start(
    (bridge) => [
      new CableProtocol({
        bridge,
        topics: new LoomTopics(() => HUB),
        streamsSecret: options.streamsSecret,
      }),
    ],
    options,
  );
}

async function connected(
  room: SocketServer,
  {
    path = '/cable',
    protocols = [V1],
    options = {},
  }: { path?: string; protocols?: string[]; options?: object } = {},
): Promise<Client> {
  const client = room.connect(path, protocols, options);
  await until(() => client.texts.length > 0);
  return client;
}

const identify = (channel: string, more: object = {}): string => JSON.stringify({ channel, ...more });
const orders = (more: object = {}): string => identify('TopicChannel', { topic: ORDERS, ...more });

/** Says it, and settles with the answer, once there is one. */
async function asked(client: Client, value: unknown): Promise<Message> {
  const before = client.texts.length;
  client.say(value);
  await until(() => client.texts.length > before);
  return client.messages[before] as Message;
}

const subscribed = (client: Client, identifier: string, more: object = {}): Promise<Message> =>
  asked(client, { command: 'subscribe', identifier, ...more });

const perform = (client: Client, identifier: string, action: object): void =>
  client.say({ command: 'message', identifier, data: JSON.stringify(action) });

/** What the subscription was given, but for what the hub says itself. */
function given(client: Client, identifier?: string): unknown[] {
  return (client.messages as Message[])
    .filter(
      (message) =>
        message['type'] === undefined && (identifier ?? message['identifier']) === message['identifier'],
    )
    .map(({ message }) => message)
    .filter((message) => (message as Message)['$hub'] === undefined);
}

const ids = (client: Client, identifier?: string): unknown[] =>
  given(client, identifier).map((message) => (message as Message)['id']);

async function publish(
  room: SocketServer,
  id: string,
  topic = ORDERS,
  value: unknown = { id },
): Promise<void> {
  const content = { body: Buffer.from(JSON.stringify(value)), contentType: 'application/json' };
  await room.log.append([entryOf(id, { topic, content, publishedAt: room.clock.now() })]);
}

/** Settles when the probe holds, while time passes: places are saved every now and then. */
async function inTime(room: SocketServer, probe: () => boolean): Promise<void> {
  while (!probe()) {
    await room.clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function seconds(room: SocketServer, count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) {
    await room.clock.advance(1_000);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a client of Action Cable', () => {
  it.each([
    [[], ''],
    [[V1, 'actioncable-unsupported'], V1],
    [[V1, 'actioncable-unsupported', EXT], EXT],
    [['actioncable-unsupported'], 'actioncable-unsupported'],
    [[V1, `anycable-token.${ADMIN_KEY}`], V1],
  ])('that offers %j is answered %j, and welcomed', async (offered, chosen) => {
    const client = await connected(await start(), { protocols: offered });
    expect([client.socket.protocol, (client.messages[0] as Message)['type']]).toEqual([chosen, 'welcome']);
  });

  it.each(['/cable', '/websocket'])(
    'is spoken to at %s, and may subscribe before it is welcomed',
    async (path) => {
      const room = await start();
      const client = room.connect(path);
      client.socket.on('open', () => client.say({ command: 'subscribe', identifier: orders() }));
      await until(() => client.texts.length === 2);
      expect(client.messages).toEqual([
        { type: 'welcome' },
        { identifier: orders(), type: 'confirm_subscription' },
      ]);
    },
  );

  it('is pinged every three seconds with the time, while it is given data as well', async () => {
    const room = await start();
    const client = await connected(room);
    await subscribed(client, orders());
    for (let second = 0; second < 12; second++) {
      for (let nth = 0; nth < 20; nth++) await publish(room, `${second}.${nth}`);
      await seconds(room, 1);
    }
    const pings = (client.messages as Message[]).filter(({ type }) => type === 'ping');
    const began = Math.floor(room.clock.now() / 1000) - 12;
    expect(pings.map(({ message }) => Number(message) - began)).toEqual([3, 6, 9, 12]);
  });

  it('is pinged before what waits for it, when it takes less than there is', async () => {
    const room = await start();
    const entries = 400;
    // More than the network takes by itself.
    for (let nth = 0; nth < entries; nth++) await publish(room, String(nth), ORDERS, 'x'.repeat(50 * 1024));
    const client = await connected(room);
    client.say({ command: 'subscribe', identifier: orders({ since: 'earliest' }) });
    await until(() => client.texts.length >= 2);
    client.socket.pause();
    await seconds(room, 4);
    client.socket.resume();
    // A welcome, a confirmation and a ping.
    await until(() => client.texts.length === entries + 3);
    const behind = entries + 2 - client.texts.findIndex((text) => text.includes('"ping"'));
    expect(behind).toBeGreaterThan(100);
  });

  it('finds its identifier in each answer letter for letter', async () => {
    const room = await start();
    const client = await connected(room);
    const identifier = `{ "topic":"${ORDERS}",\t"channel" : "TopicChannel", "é":"\\u00e9" }`;
    expect(await subscribed(client, identifier)).toEqual({ identifier, type: 'confirm_subscription' });
    await publish(room, '1');
    await until(() => given(client, identifier).length === 1);
  });

  it('is confirmed a second time when it subscribes twice, and given each entry once', async () => {
    const room = await start();
    const client = await connected(room);
    await subscribed(client, orders());
    expect(await subscribed(client, orders())).toEqual({
      identifier: orders(),
      type: 'confirm_subscription',
    });
    await publish(room, '1');
    await publish(room, '2');
    await until(() => ids(client).includes('2'));
    expect(ids(client)).toEqual(['1', '2']);
  });

  it.each([
    ['no JSON', 'EventChannel'],
    ['no channel', '{}'],
    ['an unknown channel', identify('ChatChannel')],
    ['a name that is none', identify('EventChannel', { events: 'a b' })],
    ['no names', identify('EventChannel')],
    ['no topic', identify('TopicChannel')],
    ['a topic that is no URL', identify('TopicChannel', { topic: 'orders' })],
    ['a wrong filter', orders({ where: 'x' })],
    ['a wrong place', orders({ since: 'last:many' })],
    ['a consumer that is no name', orders({ consumer: '' })],
    ['a stream without a name', identify('$pubsub')],
    ['a stream that nobody signed', identify('$pubsub', { signed_stream_name: 'ImEi--00' })],
  ])('is refused a subscription with %s', async (_what, identifier) => {
    const client = await connected(await start());
    expect(await subscribed(client, identifier)).toEqual({ identifier, type: 'reject_subscription' });
  });

  it('is refused a 129th subscription', async () => {
    const client = await connected(await start());
    const types: unknown[] = [];
    for (let nth = 0; nth < 129; nth++) types.push((await subscribed(client, orders({ nth })))['type']);
    expect([types.filter((type) => type === 'confirm_subscription').length, types.at(-1)]).toEqual([
      128,
      'reject_subscription',
    ]);
  });

  it('is given nothing more after it has unsubscribed', async () => {
    const room = await start();
    const client = await connected(room);
    await subscribed(client, orders());
    client.say({ command: 'unsubscribe', identifier: orders() });
    const other = orders({ again: true });
    await subscribed(client, other);
    await publish(room, '1');
    await until(() => ids(client, other).length === 1);
    expect(ids(client, orders())).toEqual([]);
  });

  it('is never failed by what it says, and nobody else is', async () => {
    const room = await start();
    const witness = await connected(room);
    await subscribed(witness, orders());
    const text = fc.oneof(fc.json(), fc.string(), fc.constantFrom('null', '[]', '{"command":1}'));
    const field = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(orders(), identify('EventChannel', { events: '*' }), '{}'),
    );
    const command = fc.record(
      {
        command: fc.constantFrom(
          'subscribe',
          'unsubscribe',
          'message',
          'history',
          'join',
          'leave',
          'presence',
          'pong',
          'x',
        ),
        identifier: field,
        data: fc.oneof(
          fc.json(),
          fc
            .record(
              {
                action: fc.constantFrom('ack', 'rewind', 'pause', 'x'),
                since: field,
                id: field,
                cursor: field,
                last: fc.jsonValue(),
              },
              { requiredKeys: ['action'] },
            )
            .map((said) => JSON.stringify(said)),
        ),
        history: fc.oneof(
          fc.jsonValue(),
          fc.record({ since: fc.double({ noNaN: true }) }),
          fc.record({
            since: fc.jsonValue(),
            streams: fc.dictionary(fc.string(), fc.record({ epoch: fc.string(), offset: fc.nat() })),
          }),
        ),
        presence: fc.oneof(fc.jsonValue(), fc.record({ id: fc.string(), info: fc.jsonValue() })),
      },
      { requiredKeys: ['command'] },
    );
    const hostile = await connected(room, { protocols: [EXT] });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text,
          command.map((said) => JSON.stringify(said)),
        ),
        async (said) => {
          hostile.socket.send(said);
          await Promise.resolve();
        },
      ),
      { numRuns: 400 },
    );
    // It is answered still, after everything before.
    const last = orders({ last: true });
    hostile.say({ command: 'subscribe', identifier: last });
    const isConfirmed = (): boolean =>
      hostile.texts.includes(JSON.stringify({ type: 'confirm_subscription', identifier: last }));
    await until(() => isConfirmed() || hostile.closed !== undefined);
    expect(hostile.closed).toBe(undefined);
    expect(room.faults).toEqual([]);
    await publish(room, 'still');
    await until(() => ids(witness).includes('still'));
  });

  it('that sends a binary frame is told so and sent away for good', async () => {
    const client = await connected(await start());
    client.socket.send(Buffer.from([1]));
    await until(() => client.closed !== undefined);
    expect([client.messages.at(-1), client.closed]).toEqual([
      { type: 'disconnect', reason: 'invalid_request', reconnect: false },
      '1003 invalid_request',
    ]);
  });
});

describe('a connection', () => {
  it('of whoever may read nothing is told that it is unauthorized, and closed', async () => {
    const room = await start({ reading: false });
    for (const options of [{}, { headers: { authorization: 'Bearer wrong' } }]) {
      const client = await connected(room, { options });
      await until(() => client.closed !== undefined);
      expect(client.messages).toEqual([{ type: 'disconnect', reason: 'unauthorized', reconnect: false }]);
    }
    const admitted = await connected(room, { options: AS_ADMIN });
    expect(admitted.messages).toEqual([{ type: 'welcome' }]);
  });

  it('of a page of another origin is answered 404', async () => {
    const room = await start();
    const client = room.connect('/cable', [V1], { origin: 'https://elsewhere.example' });
    await until(() => client.refused !== undefined);
    expect(client.refused).toBe(404);
  });

  it('is told to come back when the hub stops', async () => {
    const room = await start();
    const client = await connected(room);
    room.bridge.drain();
    await until(() => client.closed !== undefined);
    expect(client.messages.at(-1)).toEqual({ type: 'disconnect', reason: 'server_restart', reconnect: true });
  });

  it('lasts as long as its client answers', async () => {
    const room = await start();
    const client = await connected(room);
    // Longer than an hour, in steps in which it is pinged once.
    for (let nth = 0; nth < 410; nth++) {
      const pinged = new Promise((resolve) => client.socket.once('ping', resolve));
      await room.clock.advance(9_000);
      await pinged;
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(client.closed).toBe(undefined);
  });

  it('is told to come back when there is no room for it', async () => {
    const room = await start({ bounds: { inAll: 1 } });
    await connected(room);
    const second = await connected(room);
    expect(second.messages).toEqual([{ type: 'disconnect', reason: 'too_many', reconnect: true }]);
  });
});

describe('an EventChannel', () => {
  const acme = (name: string): string => `${HUB}loom/Org/acme/${name}`;

  it('gives the events that a list names, in the form of Loom', async () => {
    const room = await start();
    const client = await connected(room, { options: AS_ADMIN });
    const identifier = identify('EventChannel', { events: 'shop.order_paid, shop.order_sent' });
    await subscribed(client, identifier);
    await publish(room, '1', acme('shop.order_paid'), { job_id: 1 });
    await publish(room, '2', acme('shop.order_lost'), {});
    await publish(room, '3', `${HUB}loom/Org/other/shop.order_sent`, 7);
    await until(() => given(client).length === 2);
    const time = new Date(room.clock.now()).toISOString();
    const common = { timestamp: time, received_at: time, version: '1.0', link: null };
    expect(given(client)).toEqual([
      { id: '1', name: 'shop.order_paid', subject: 'Org/acme', payload: { job_id: 1 }, ...common },
      { id: '3', name: 'shop.order_sent', subject: 'Org/other', payload: 7, ...common },
    ]);
  });

  it('gives all events for *, from any place, of those that a condition on the payload holds of', async () => {
    const room = await start();
    const event = (id: string, state: string) => ({
      id,
      name: 'shop.order',
      timestamp: '2026-11-21T09:00:00Z',
      version: '2',
      payload: { state },
      link: null,
    });
    for (const [id, state] of [
      ['a', 'paid'],
      ['b', 'sent'],
      ['c', 'paid'],
    ] as const)
      await publish(room, id, acme('shop.order'), event(id, state));
    const client = await connected(room);
    await subscribed(
      client,
      identify('EventChannel', { events: '*', since: 'earliest', where: 'payload.state=paid' }),
    );
    await until(() => given(client).length === 2);
    expect(given(client)).toMatchObject([event('a', 'paid'), event('c', 'paid')]);
  });
});

describe('a $pubsub channel', () => {
  const sign = (name: string, secret = SECRET): string => {
    const data = Buffer.from(JSON.stringify(name)).toString('base64');
    return `${data}--${createHmac('sha256', secret).update(data).digest('hex')}`;
  };

  it('gives the bodies of a stream that an application signed, also to whoever has no credential', async () => {
    const room = await start({ reading: false, streamsSecret: SECRET });
    const client = await connected(room);
    const identifier = identify('$pubsub', { signed_stream_name: sign('chat/1') });
    expect((await subscribed(client, identifier))['type']).toBe('confirm_subscription');
    for (const [id, body] of [
      ['1', { text: 'hi' }],
      ['2', 'plain'],
      ['3', [1]],
    ] as const)
      await publish(room, id, `${HUB}streams/chat%2F1`, body);
    await until(() => given(client).length === 3);
    expect(given(client)).toEqual([{ text: 'hi' }, 'plain', [1]]);
  });

  it.each([
    ['with another secret', { signed_stream_name: sign('chat/1', 'another secret of streams') }],
    ['not at all', { stream_name: 'chat/1' }],
    ['as something that is no text', { signed_stream_name: sign({ name: 1 } as unknown as string) }],
  ])('is refused to whoever has no credential when the name is signed %s', async (_how, more) => {
    const client = await connected(await start({ reading: false, streamsSecret: SECRET }));
    expect((await subscribed(client, identify('$pubsub', more)))['type']).toBe('reject_subscription');
  });
});

describe('what a client performs', () => {
  async function reading(more: object = {}) {
    const room = await start();
    for (const id of ['1', '2', '3']) await publish(room, id);
    const client = await connected(room);
    const identifier = orders({ since: 'earliest', ...more });
    await subscribed(client, identifier);
    await until(() => given(client).length === 3);
    const said = (): unknown[] =>
      (client.messages as Message[])
        .map(({ message }) => message)
        .filter((message) => (message as Message)?.['$hub']);
    return { room, client, identifier, said };
  }

  it.each([
    ['an id', () => ({ id: '1' }), ['2', '3']],
    ['a number of the newest', () => ({ last: 1 }), ['3']],
    ['a time', () => ({ since: 0 }), ['1', '2', '3']],
    ['the beginning', () => ({ since: 'earliest' }), ['1', '2', '3']],
    ['a cursor', (cursor: string) => ({ cursor }), ['2', '3']],
  ])('rewinds to %s', async (_what, to, expected) => {
    const { room, client, identifier } = await reading();
    const cursor = String((given(client)[0] as Message)['cursor']);
    perform(client, identifier, { action: 'rewind', ...to(cursor) });
    await until(() => given(client).length === 3 + expected.length);
    expect(ids(client).slice(3)).toEqual(expected);
    await publish(room, 'next');
    await until(() => ids(client).at(-1) === 'next');
  });

  it('pauses and resumes, and what came meanwhile comes then', async () => {
    const { room, client, identifier } = await reading();
    const other = orders({ other: true });
    await subscribed(client, other);
    perform(client, identifier, { action: 'pause' });
    await subscribed(client, orders({ barrier: 1 }));
    for (const id of ['4', '5']) await publish(room, id);
    await until(() => ids(client, other).length === 2);
    expect(ids(client, identifier)).toEqual(['1', '2', '3']);
    perform(client, identifier, { action: 'resume' });
    await until(() => ids(client, identifier).length === 5);
    expect(ids(client, identifier)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('is answered when it asked for that, and nothing else is', async () => {
    const { client, identifier, said } = await reading({ control: true });
    await until(() => said().length === 1);
    perform(client, identifier, { action: 'pause' });
    perform(client, identifier, { action: 'resume' });
    perform(client, identifier, { action: 'rewind', id: 'nobody' });
    perform(client, identifier, { action: 'dance' });
    await until(() => said().filter((message) => (message as Message)['$hub'] === 'error').length === 1);
    expect(said().map((message) => (message as Message)['$hub'])).toEqual(
      expect.arrayContaining(['live', 'paused', 'resumed', 'rewound', 'gap', 'error']),
    );
    const silent = await reading();
    for (const action of ['pause', 'resume', 'dance']) perform(silent.client, silent.identifier, { action });
    await subscribed(silent.client, orders({ barrier: 1 }));
    expect(silent.said()).toEqual([]);
  });

  it('tells of what is missing, whether it asked for that or not', async () => {
    const room = await start();
    await publish(room, '1');
    const client = await connected(room);
    await subscribed(client, orders({ since: 'no-such-id' }));
    await until(() => given(client).length === 1);
    const gap = (client.messages as Message[]).find(
      ({ message }) => (message as Message | undefined)?.['$hub'] === 'gap',
    );
    expect(gap?.['message']).toMatchObject({ $hub: 'gap', requested: 'no-such-id', reason: 'unknown' });
    const strict = orders({ since: 'no-such-id', on_gap: 'fail' });
    expect((await subscribed(client, strict))['type']).toBe('reject_subscription');
  });
});

describe('a place that the hub keeps', () => {
  const CLIENT = '/cable?client=7f2c1e90-8a4b-4c0e-9f6d-2b1a3c4d5e6f';
  const billing = (more: object = {}): string => orders({ consumer: 'billing', ...more });

  /** Leaves, and settles when the hub has noticed. */
  async function left(room: SocketServer, client: Client): Promise<void> {
    const before = room.ends.length;
    client.socket.terminate();
    await until(() => room.ends.length > before);
  }

  /** Connects, subscribes, and settles with what it is given first. */
  async function resumed(room: SocketServer, identifier: string, path = '/cable'): Promise<Client> {
    const client = await connected(room, { path, options: path === '/cable' ? AS_ADMIN : {} });
    await subscribed(client, identifier);
    return client;
  }

  it('is where the client acknowledged, by id or cursor, whatever its pongs say', async () => {
    const room = await start();
    const identifier = billing({ ack: 'explicit' });
    const client = await resumed(room, identifier);
    for (const id of ['1', '2', '3', '4']) await publish(room, id);
    await until(() => ids(client).length === 4);
    perform(client, identifier, { action: 'ack', id: '1' });
    perform(client, identifier, { action: 'ack', cursor: (given(client)[1] as Message)['cursor'] });
    await subscribed(client, orders({ barrier: 1 }));
    await seconds(room, 10);
    await left(room, client);
    const again = await resumed(room, identifier);
    await until(() => ids(again).length === 2);
    expect(ids(again)).toEqual(['3', '4']);
  });

  it.each([
    ['of a consumer', billing(), '/cable'],
    ['of a client with a name', orders(), CLIENT],
  ])('%s is where its pongs say, when it acknowledges nothing', async (_whose, identifier, path) => {
    const room = await start();
    const client = await resumed(room, identifier, path);
    await publish(room, '1');
    await until(() => ids(client).length === 1);
    const pinged = new Promise((resolve) => client.socket.once('ping', resolve));
    await seconds(room, 4);
    await pinged;
    await seconds(room, 1);
    await publish(room, '2');
    await until(() => ids(client).length === 2);
    await left(room, client);
    await publish(room, '3');
    const again = await resumed(room, identifier, path);
    await until(() => ids(again).length === 2);
    expect(ids(again)).toEqual(['2', '3']);
  });

  it('of a client with a name is kept for five minutes', async () => {
    const room = await start();
    await left(room, await resumed(room, orders(), CLIENT));
    await publish(room, 'missed');
    await room.clock.advance(301_000);
    const again = await resumed(room, orders(), CLIENT);
    await publish(room, 'new');
    await until(() => ids(again).includes('new'));
    expect(ids(again)).toEqual(['new']);
  });

  it('moves when the client rewinds, for good', async () => {
    const room = await start();
    const client = await resumed(room, billing());
    for (const id of ['1', '2']) await publish(room, id);
    await until(() => ids(client).length === 2);
    perform(client, billing(), { action: 'ack', id: '2' });
    perform(client, billing(), { action: 'rewind', last: 1 });
    await inTime(room, () => ids(client).length === 3);
    expect(ids(client)).toEqual(['1', '2', '2']);
    await left(room, client);
    const again = await resumed(room, billing());
    await until(() => ids(again).length === 1);
    expect(ids(again)).toEqual(['2']);
  });

  it('is used by one at a time: the one before is told that it is refused', async () => {
    const room = await start();
    const [first, second] = [await resumed(room, billing()), await resumed(room, billing())];
    await until(() => first.texts.at(-1)!.includes('reject_subscription'));
    await publish(room, '1');
    await until(() => ids(second).length === 1);
    expect(ids(first)).toEqual([]);
  });

  it("is nobody's without a credential or a name of the client, which is no short one", async () => {
    const room = await start();
    const client = await connected(room);
    expect((await subscribed(client, billing()))['type']).toBe('reject_subscription');
    perform(client, orders(), { action: 'ack', id: '1' });
    const short = await connected(room, { path: '/cable?client=me' });
    expect(short.messages).toEqual([{ type: 'disconnect', reason: 'invalid_request', reconnect: false }]);
  });

  it('is what an acknowledgement needs, of which a client hears that asked for it', async () => {
    const room = await start();
    const told = async (identifier: string): Promise<unknown[]> => {
      const client = await resumed(room, identifier);
      await publish(room, 'x');
      await until(() => ids(client).includes('x'));
      const before = client.texts.length;
      perform(client, identifier, { action: 'ack', id: 'x' });
      await inTime(room, () => client.texts.length > before);
      return (client.messages.slice(before) as Message[]).map(({ message }) => (message as Message)['$hub']);
    };
    expect([await told(billing({ control: true })), await told(orders({ control: true }))]).toEqual([
      ['acked'],
      ['error'],
    ]);
  });
});

describe("a client of AnyCable's extended protocol", () => {
  const extended = (room: SocketServer, sid = ''): Promise<Client> =>
    connected(room, { path: `/cable${sid && `?sid=${sid}`}`, protocols: [EXT] });
  const welcomeOf = (client: Client): Message => client.messages[0] as Message;
  const places = (client: Client): Message[] =>
    (client.messages as Message[]).filter(({ offset }) => offset !== undefined);
  const left = async (room: SocketServer, client: Client): Promise<void> => {
    const before = room.ends.length;
    client.socket.terminate();
    await until(() => room.ends.length > before);
  };

  it('is told where each message is, and given what followed when it comes back', async () => {
    const room = await start();
    const client = await extended(room);
    await subscribed(client, orders());
    for (const id of ['1', '2']) await publish(room, id);
    await until(() => places(client).length === 2);
    const [{ stream_id: stream, epoch, offset } = {}] = places(client);
    await left(room, client);
    await publish(room, '3');
    const again = await extended(room);
    const history = { since: 0, streams: { [String(stream)]: { epoch, offset } } };
    expect((await subscribed(again, orders(), { history }))['type']).toBe('confirm_subscription');
    await until(() => again.texts.at(-1)!.includes('confirm_history'));
    expect(ids(again)).toEqual(['2', '3']);
  });

  it('is given what was published since a time', async () => {
    const room = await start();
    await publish(room, 'before');
    await seconds(room, 10);
    await publish(room, 'after');
    const client = await extended(room);
    const since = Math.floor(room.clock.now() / 1000) - 5;
    await subscribed(client, orders(), { history: { since, streams: {} } });
    await until(() => client.texts.at(-1)!.includes('confirm_history'));
    expect(ids(client)).toEqual(['after']);
  });

  it('is told when there is no history, and goes on with what comes', async () => {
    const room = await start();
    await publish(room, '1');
    const client = await extended(room);
    await subscribed(client, orders());
    await publish(room, '2');
    await until(() => places(client).length === 1);
    const stream = String(places(client)[0]!['stream_id']);
    const other = await extended(room);
    await subscribed(other, orders(), { history: { streams: { [stream]: { epoch: 'lost', offset: 1 } } } });
    await publish(room, '3');
    await until(() => ids(other).includes('3'));
    expect([ids(other), other.texts.filter((text) => text.includes('reject_history'))]).toEqual([
      ['3'],
      [expect.stringContaining(JSON.stringify(orders()))],
    ]);
  });

  it('has its session back within five minutes, and goes on where it says', async () => {
    const room = await start();
    const client = await extended(room);
    const sid = String(welcomeOf(client)['sid']);
    await subscribed(client, orders());
    await publish(room, '1');
    await until(() => places(client).length === 1);
    const [{ stream_id: stream, epoch, offset } = {}] = places(client);
    await left(room, client);
    await publish(room, '2');
    const again = await extended(room, sid);
    expect(welcomeOf(again)).toEqual({
      type: 'welcome',
      sid: expect.any(String),
      restored: true,
      restored_ids: [orders()],
    });
    again.say({
      command: 'history',
      identifier: orders(),
      history: { streams: { [String(stream)]: { epoch, offset } } },
    });
    await until(() => again.texts.at(-1)!.includes('confirm_history'));
    expect(ids(again)).toEqual(['2']);
  });

  it('goes on where the hub saw it last when it does not say', async () => {
    const room = await start();
    const client = await extended(room);
    await subscribed(client, orders());
    await publish(room, '1');
    await until(() => places(client).length === 1);
    await left(room, client);
    await publish(room, '2');
    const again = await extended(room, String(welcomeOf(client)['sid']));
    await seconds(room, 3);
    await until(() => ids(again).length === 1);
    expect(ids(again)).toEqual(['2']);
  });

  it.each([
    ['comes later', (room: SocketServer) => room.clock.advance(301_000), {}],
    ['shows another credential', () => Promise.resolve(), AS_ADMIN],
  ])('does not have it back when it %s', async (_when, before, options) => {
    const room = await start();
    const client = await extended(room);
    await subscribed(client, orders());
    await left(room, client);
    await before(room);
    const path = `/cable?sid=${String(welcomeOf(client)['sid'])}`;
    const again = await connected(room, { path, protocols: [EXT], options });
    expect(welcomeOf(again)).toEqual({ type: 'welcome', sid: expect.any(String) });
  });

  describe('who is present', () => {
    const presenceOf = (client: Client): unknown[] =>
      (client.messages as Message[]).filter(({ type }) => type === 'presence').map(({ message }) => message);
    const join = (client: Client, id: string, info: unknown = { name: id }): void =>
      client.say({ command: 'join', identifier: orders(), presence: { id, info } });

    it('is told to all of the topic, wherever they stand in it, and to who asks', async () => {
      const room = await start();
      const [ada, bob] = [await extended(room), await extended(room)];
      await subscribed(ada, orders(), { presence: { id: 'ada', info: 1 } });
      const wide = orders({ since: 'earliest' });
      await subscribed(bob, wide);
      bob.say({ command: 'join', identifier: wide, presence: { id: 7, info: null } });
      await until(() => presenceOf(ada).length === 2);
      bob.say({ command: 'presence', identifier: wide });
      await until(() => presenceOf(bob).length === 2);
      const records = [
        { id: 'ada', info: 1 },
        { id: '7', info: null },
      ];
      expect([presenceOf(ada), presenceOf(bob)]).toEqual([
        records.map((record) => ({ type: 'join', ...record })),
        [
          { type: 'join', ...records[1] },
          { type: 'info', total: 2, records },
        ],
      ]);
    });

    it('ends when they leave, at once, and when their connection broke, after a while', async () => {
      const room = await start();
      const [ada, bob, witness] = [await extended(room), await extended(room), await extended(room)];
      for (const client of [ada, bob, witness]) await subscribed(client, orders());
      join(ada, 'ada');
      join(bob, 'bob');
      await until(() => presenceOf(witness).length === 2);
      ada.say({ command: 'leave', identifier: orders() });
      await until(() => presenceOf(witness).length === 3);
      await left(room, bob);
      await seconds(room, 14);
      expect(presenceOf(witness)).toHaveLength(3);
      await seconds(room, 2);
      expect(presenceOf(witness).slice(2)).toEqual([
        { type: 'leave', id: 'ada' },
        { type: 'leave', id: 'bob' },
      ]);
    });

    it('may not be said again and again', async () => {
      const room = await start();
      const client = await extended(room);
      await subscribed(client, orders());
      for (let nth = 0; nth < 80; nth++) join(client, 'ada', nth);
      await until(() => presenceOf(client).length === 80);
      expect(presenceOf(client).filter((message) => (message as Message)['type'] === 'error')).toHaveLength(
        16,
      );
    });

    it('is no business of clients of Action Cable, which would take it for a message', async () => {
      const room = await start();
      const plain = await connected(room);
      await subscribed(plain, orders());
      join(plain, 'plain');
      const client = await extended(room);
      await subscribed(client, orders(), { presence: { id: 'ada' } });
      await subscribed(plain, orders({ barrier: 1 }));
      expect([presenceOf(plain), presenceOf(client)]).toEqual([
        [],
        [{ type: 'join', id: 'ada', info: null }],
      ]);
    });
  });
});
