import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { entryOf, FEED, NEWS } from '../../contract/samples.js';
import {
  ADMIN_KEY,
  SocketServer,
  until,
  type Client,
  type SocketServerOptions,
} from '../../http/socket-server.sample.js';
import { Admission } from '../../protocol/admission.js';
import { Publications } from '../../protocol/publication.js';
import { Roll } from '../../subscription/roll.js';
import { NativeProtocol } from './native-protocol.js';
import { parseWord, type Parsed } from './parse-word.js';
import { CLIENT_WORDS, SERVER_WORDS } from './words.js';

const AUTHORIZED = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };
const SERVER_WORD = z.discriminatedUnion('op', [
  SERVER_WORDS.welcome,
  ...Object.values(SERVER_WORDS).filter((word) => word !== SERVER_WORDS.welcome),
]);

type Said = Readonly<Record<string, unknown>> & { readonly op: string };

/** A word that there is, a mistake with its cure, or nonsense. */
function isSound(parsed: Parsed): boolean {
  switch (parsed.kind) {
    case 'word':
      return Object.hasOwn(CLIENT_WORDS, parsed.word.op);
    case 'wrong':
      return /: .+/.test(parsed.detail);
    case 'nonsense':
      return true;
  }
}

/** A client of the native protocol, every message of which has to be as the schemas say. */
class Native {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get closed(): string | undefined {
    return this.#client.closed;
  }

  get said(): Said[] {
    return this.#client.messages.map((message) => SERVER_WORD.parse(message) as Said);
  }

  of(op: string): Said[] {
    return this.said.filter((word) => word.op === op);
  }

  get ids(): unknown[] {
    return this.of('ev').map(({ id }) => id);
  }

  raw(text: string): void {
    this.#client.socket.send(text);
  }

  /** Says it, and settles with what is answered. */
  async ask(word: Readonly<Record<string, unknown>> & { readonly op: string }): Promise<Said> {
    const answers = (): Said[] =>
      this.said.filter(({ op, ref }) => (op === 'ok' || op === 'err') && ref === word.op);
    const before = answers().length;
    this.#client.say(word);
    await until(() => answers().length > before || this.closed !== undefined);
    return answers()[before] ?? { op: 'closed' };
  }

  async gets(count: number): Promise<unknown[]> {
    await until(() => this.ids.length >= count);
    return this.ids;
  }

  /** Settles when everything that the hub had to say by now has come. */
  async settled(): Promise<void> {
    const before = this.of('pong').length;
    this.#client.say({ op: 'ping' });
    await until(() => this.of('pong').length > before);
  }
}

async function start(options: SocketServerOptions = {}): Promise<SocketServer> {
  return SocketServer.start((bridge) => {
    const publications = new Publications({
      log: bridge.log,
      clock: bridge.clock,
      random: bridge.random,
      events: bridge.events,
    });
    const admission = new Admission({ roll: new Roll(), clock: bridge.clock, mostSubscriptions: 1 });
    return [new NativeProtocol({ bridge, publications, admission })];
  }, options);
}

async function connect(room: SocketServer, options = {}, query = ''): Promise<Native> {
  const client = new Native(room.connect(`/v1/ws${query}`, ['hub.v1.json'], options));
  await until(() => client.of('welcome').length > 0 || client.closed !== undefined);
  return client;
}

async function publish(room: SocketServer, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await room.log.append([entryOf(id)]);
}

/** Settles as the work does, while time passes: places are saved together, every now and then. */
async function inTime<Result>(room: SocketServer, work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  while (!isDone) await room.clock.advance(10);
  return done;
}

const sub = { op: 'sub', sid: 's', topics: [FEED] };

describe('a client', () => {
  it('is welcomed with what it should know', async () => {
    const client = await connect(await start());
    expect(client.said).toEqual([
      {
        op: 'welcome',
        session: expect.any(String) as string,
        epoch: 'memory',
        heartbeat_s: 25,
        limits: { subs: 128, window_bytes: 262_144 },
        resumed: false,
      },
    ]);
  });

  it('is given what was stored and what comes as one sequence, and told when it has everything', async () => {
    const room = await start();
    await publish(room, 'a', 'b');
    const client = await connect(room);
    expect(await client.ask({ ...sub, from: 'earliest' })).toEqual({
      op: 'ok',
      ref: 'sub',
      sid: 's',
      cursor: 'memory.0',
    });
    await until(() => client.of('live').length === 1);
    await publish(room, 'c');
    expect(await client.gets(3)).toEqual(['a', 'b', 'c']);
    expect(client.said.map(({ op }) => op)).toEqual(['welcome', 'ok', 'ev', 'ev', 'live', 'ev']);
    expect(client.of('ev')[0]).toEqual({
      op: 'ev',
      sid: 's',
      cursor: 'memory.1',
      id: 'a',
      topic: FEED,
      time: '2026-11-21T12:00:00.000Z',
      received_at: '2026-11-21T12:00:00.000Z',
      content_type: 'text/plain',
      headers: {},
      data: 'a',
    });
  });

  it.each([
    ['latest', undefined, []],
    ['a cursor', 'memory.2', ['c']],
    ['the id of an entry', 'b', ['c']],
    ['earliest', 'earliest', ['a', 'b', 'c']],
    ['the newest', { last: 2 }, ['b', 'c']],
    ['a time', { since: '2026-11-21T11:00:00Z' }, ['a', 'b', 'c']],
    ['a time in seconds', { since: 1 }, ['a', 'b', 'c']],
    ['a time before now', { look_back: 1 }, ['a', 'b', 'c']],
  ])('begins with %s', async (_what, from, ids) => {
    const room = await start();
    await publish(room, 'a', 'b', 'c');
    const client = await connect(room);
    await client.ask({ ...sub, ...(from === undefined ? {} : { from }) });
    await until(() => client.of('live').length === 1);
    expect(client.ids).toEqual(ids);
  });

  it('has any number of subscriptions, each with a place of its own', async () => {
    const room = await start();
    await publish(room, 'a', 'b');
    const client = await connect(room);
    await client.ask({ ...sub, sid: '1', from: { last: 1 } });
    await client.ask({ ...sub, sid: '2', from: 'earliest', where: ['id=a'] });
    await client.ask({ op: 'sub', sid: '3', match: ['https://*/news'] });
    await until(() => client.of('live').length === 3);
    await room.log.append([entryOf('n', { topic: NEWS })]);
    await until(() => client.ids.length === 3);
    expect(
      client
        .of('ev')
        .map(({ sid, id }) => `${String(sid)} ${String(id)}`)
        .toSorted(),
    ).toEqual(['1 b', '2 a', '3 n']);
    expect(await client.ask({ op: 'unsub', sid: '1' })).toEqual({ op: 'ok', ref: 'unsub', sid: '1' });
    await publish(room, 'a');
    await until(() => client.ids.length === 4);
    await client.settled();
    expect(client.of('ev').at(-1)).toMatchObject({ sid: '2' });
    expect(client.ids).toHaveLength(4);
  });

  it('takes as many entries as it gives credit for', async () => {
    const room = await start();
    await publish(room, 'a', 'b', 'c', 'd');
    const client = await connect(room);
    await client.ask({ ...sub, from: 'earliest', credit: 1 });
    await client.gets(1);
    await client.settled();
    expect(client.ids).toEqual(['a']);
    client.raw('{"op":"credit","sid":"s","n":2}');
    expect(await client.gets(3)).toEqual(['a', 'b', 'c']);
    await client.settled();
    expect([client.ids.length, client.of('live').length]).toEqual([3, 0]);
  });

  it('takes nothing while it pauses, and misses nothing', async () => {
    const room = await start();
    const client = await connect(room);
    await client.ask(sub);
    await client.ask({ op: 'pause', sid: 's' });
    await publish(room, 'a', 'b');
    await client.settled();
    expect(client.ids).toEqual([]);
    await client.ask({ op: 'resume', sid: 's' });
    expect(await client.gets(2)).toEqual(['a', 'b']);
  });

  it('goes back, and forward, with a subscription that it has', async () => {
    const room = await start();
    await publish(room, 'a', 'b', 'c');
    const client = await connect(room);
    await client.ask({ ...sub, from: { last: 1 } });
    await client.gets(1);
    const back = await client.ask({ op: 'rewind', sid: 's', from: 'earliest' });
    expect(back).toEqual({ op: 'ok', ref: 'rewind', sid: 's', cursor: 'memory.0' });
    expect(await client.gets(4)).toEqual(['c', 'a', 'b', 'c']);
    await client.ask({ op: 'rewind', sid: 's', from: 'latest' });
    await publish(room, 'd');
    expect(await client.gets(5)).toEqual(['c', 'a', 'b', 'c', 'd']);
  });

  it('publishes, and is told where it was stored', async () => {
    const room = await start();
    const client = await connect(room, AUTHORIZED);
    await client.ask(sub);
    const answer = await client.ask({ op: 'pub', topic: FEED, id: 'x', type: 'done', data: { a: 1 } });
    expect(answer).toEqual({ op: 'ok', ref: 'pub', cursor: 'memory.1', id: 'x' });
    await client.ask({ op: 'pub', topic: FEED, content_type: 'text/plain', data: 'text' });
    await client.ask({ op: 'pub', topic: FEED, data_base64: '/w==' });
    await client.gets(3);
    expect(client.of('ev')).toMatchObject([
      { id: 'x', type: 'done', content_type: 'application/json', data: { a: 1 } },
      { content_type: 'text/plain', data: 'text' },
      { content_type: 'application/octet-stream', data_base64: '/w==' },
    ]);
  });

  it('without a credential may ask to publish no faster than over HTTP, and with one as fast as it likes', async () => {
    const room = await start();
    const [anybody, admitted] = [await connect(room), await connect(room, AUTHORIZED)];
    const pub = { op: 'pub', topic: FEED, data: 1 };
    const errors: unknown[] = [];
    for (let nth = 0; nth < 51; nth++) {
      errors.push((await anybody.ask(pub))['error']);
      expect(await admitted.ask(pub)).toMatchObject({ op: 'ok' });
    }
    expect(errors.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => 'unauthorized'));
    expect(anybody.of('err').at(-1)).toMatchObject({ code: 4429, error: 'rate', retry: true });
  });

  it('is told of a gap before anything else, or refused where it wants no less', async () => {
    const room = await start();
    await publish(room, 'a');
    const client = await connect(room);
    await client.ask({ ...sub, from: 'no-such-entry' });
    await client.gets(1);
    expect(client.said.slice(1, 4)).toMatchObject([
      { op: 'ok', cursor: 'memory.0' },
      { op: 'gap', requested: 'no-such-entry', resumed_after: 'memory.0', lost: null, reason: 'unknown' },
      { op: 'ev', id: 'a' },
    ]);
    const refused = await client.ask({ ...sub, sid: '2', from: 'lost.7', on_gap: 'fail' });
    expect(refused).toMatchObject({
      op: 'err',
      ref: 'sub',
      sid: '2',
      code: 4410,
      error: 'gap',
      retry: false,
    });
    expect(client.closed).toBeUndefined();
  });

  it('is told when a subscription ends because retention was faster, and keeps the others', async () => {
    const room = await start();
    await publish(room, 'a', 'b');
    const client = await connect(room);
    await client.ask({ ...sub, from: 'earliest', credit: 0, on_gap: 'fail' });
    await room.log.trim({ ageMs: Infinity, count: 1, bytes: Infinity }, 0);
    client.raw('{"op":"credit","sid":"s","n":1}');
    await until(() => client.of('err').length === 1);
    expect(client.of('err')).toMatchObject([{ ref: 'sub', sid: 's', code: 4410, error: 'gap' }]);
    expect(await client.ask({ op: 'unsub', sid: 's' })).toMatchObject({ op: 'err', error: 'unknown_sid' });
    expect(await client.ask({ ...sub, from: 'earliest' })).toMatchObject({ op: 'ok' });
  });

  it('may give each subscription a name once, and have 128', async () => {
    const client = await connect(await start());
    await client.ask(sub);
    expect(await client.ask(sub)).toMatchObject({ op: 'err', sid: 's', code: 4400, error: 'sid_taken' });
    for (let nth = 1; nth < 128; nth++) await client.ask({ ...sub, sid: String(nth) });
    expect(await client.ask({ ...sub, sid: 'more' })).toMatchObject({
      op: 'err',
      code: 4429,
      error: 'too_many_subs',
    });
  });

  it.each([
    ['an unknown op', { op: 'dance' }, /^op is none of auth, sub, /],
    ['a subscription to nothing', { op: 'sub', sid: 's' }, /topic/],
    ['a subscription without a name', { op: 'sub', topics: [FEED] }, /^sid is missing/],
    ['a topic that is no URL', { ...sub, topics: ['x'] }, /^topic /],
    ['a condition that is none', { ...sub, where: ['x'] }, /^where is no condition/],
    ['a filter that is none', { ...sub, filter: { x: 1 } }, /^filter /],
    ['a place that is none', { ...sub, from: { when: 1 } }, /^from is no place/],
    ['a negative credit', { ...sub, credit: -1 }, /^credit is negative/],
    ['a policy that nobody knows', { ...sub, on_gap: 'cry' }, /^on_gap is none of/],
    ['a credit for what takes all', { op: 'credit', sid: 'all', n: 1 }, /takes all/],
    ['nothing to publish', { op: 'pub', topic: FEED }, /^the content is missing/],
    [
      'a content type that is none',
      { op: 'pub', topic: FEED, data: 1, content_type: 'a\n' },
      /^content_type is no/,
    ],
    [
      'text that is none',
      { op: 'pub', topic: FEED, data: 1, content_type: 'text/plain' },
      /^data is no text/,
    ],
  ])('is told the cure for %s, and stays', async (_what, word, detail) => {
    const client = await connect(await start(), AUTHORIZED);
    await client.ask({ ...sub, sid: 'all' });
    expect(await client.ask(word)).toMatchObject({ op: 'err', code: 4400, error: 'invalid', retry: false });
    expect(client.of('err')[0]!['detail']).toMatch(detail);
    expect(client.closed).toBeUndefined();
  });

  it.each(['', 'hello', '[]', 'null', '{"sid":"s"}', '{"op":1}', '{"__proto__":{"op":"ping"}}'])(
    'that says %j speaks another protocol, and is sent away',
    async (text) => {
      const client = await connect(await start());
      client.raw(text);
      await until(() => client.closed !== undefined);
      expect(client.of('bye')).toEqual([{ op: 'bye', code: 4400, reason: 'bad_frame', reconnect: false }]);
      expect(client.closed).toBe('4400 bad_frame');
    },
  );

  it('that may read nothing has 10 s to show a credential', async () => {
    const room = await start({ reading: false });
    const [late, early] = [await connect(room), await connect(room)];
    expect(await late.ask(sub)).toMatchObject({ op: 'err', code: 4401, error: 'unauthorized' });
    expect(await early.ask({ op: 'auth', token: ADMIN_KEY })).toEqual({ op: 'ok', ref: 'auth', exp: null });
    expect(await early.ask(sub)).toMatchObject({ op: 'ok', ref: 'sub' });
    await room.clock.advance(9_000);
    expect(late.closed).toBeUndefined();
    await room.clock.advance(2_000);
    await until(() => late.closed !== undefined);
    expect(late.closed).toBe('4401 unauthorized');
    expect(early.closed).toBeUndefined();
  });

  it('with a wrong credential keeps what it had', async () => {
    const client = await connect(await start());
    expect(await client.ask({ op: 'auth', token: 'wrong' })).toMatchObject({
      op: 'err',
      code: 4401,
      error: 'unauthorized',
    });
    expect(await client.ask(sub)).toMatchObject({ op: 'ok' });
    expect(await client.ask({ op: 'pub', topic: FEED, data: 1 })).toMatchObject({
      op: 'err',
      ref: 'pub',
      code: 4401,
    });
  });

  it('subscribes to what its credential allows, and to nothing else', async () => {
    const room = await start({ reading: false });
    const ticket = room.gate.issueTicket((await room.gate.admit({ kind: 'secret', text: ADMIN_KEY })).grant, {
      read: { includes: (topic) => topic === FEED },
    });
    const client = await connect(room, {}, `?ticket=${ticket.text}`);
    expect(await client.ask(sub)).toMatchObject({ op: 'ok' });
    expect(await client.ask({ ...sub, sid: 'n', topics: [NEWS] })).toMatchObject({
      op: 'err',
      code: 4403,
      error: 'forbidden_topic',
    });
    await publish(room, 'a');
    expect(await client.gets(1)).toEqual(['a']);
  });

  it('is told how its connection ends, and whether to come back', async () => {
    const room = await start();
    const client = await connect(room);
    room.bridge.drain();
    await until(() => client.closed !== undefined);
    expect(client.closed).toBe('4001 drain');
    expect(client.of('bye')).toMatchObject([{ code: 4001, reason: 'drain', reconnect: true }]);
    expect(client.of('bye')[0]!['after_ms']).toBeGreaterThanOrEqual(1_000);
  });
});

describe('a consumer', () => {
  const named = { ...sub, consumer: 'billing', from: 'earliest' };
  const explicit = { ...named, ack: 'explicit' };
  const asked = (
    room: SocketServer,
    client: Native,
    word: Readonly<Record<string, unknown>> & { readonly op: string },
  ) => inTime(room, client.ask(word));
  const admitted = (room: SocketServer): Promise<Native> => connect(room, AUTHORIZED);

  it('is given again what was not acknowledged, and nothing else, to whichever connection comes next', async () => {
    const room = await start();
    await publish(room, 'a', 'b', 'c', 'd');
    const first = await admitted(room);
    await first.ask(explicit);
    await first.gets(4);
    const [a, , c] = first.of('ev').map(({ cursor }) => cursor);
    expect(await asked(room, first, { op: 'ack', sid: 's', upto: a })).toEqual({
      op: 'ok',
      ref: 'ack',
      sid: 's',
      cursor: a,
    });
    expect(await asked(room, first, { op: 'ack', sid: 's', cursor: c })).toMatchObject({
      op: 'ok',
      cursor: c,
    });
    await first.ask({ op: 'unsub', sid: 's' });
    const second = await admitted(room);
    await second.ask({ ...explicit, from: 'latest' });
    expect(await second.gets(2)).toEqual(['b', 'd']);
    await second.settled();
    expect(second.ids).toEqual(['b', 'd']);
  });

  it('is given a window of what it does not acknowledge', async () => {
    const room = await start();
    await publish(room, 'a', 'b', 'c');
    const client = await admitted(room);
    await client.ask({ ...explicit, window: 1 });
    await client.gets(1);
    await client.settled();
    expect(client.ids).toEqual(['a']);
    await asked(room, client, { op: 'ack', sid: 's', upto: client.of('ev')[0]!['cursor'] });
    expect(await client.gets(2)).toEqual(['a', 'b']);
  });

  it('is given again what it refuses, after a while', async () => {
    const room = await start();
    await publish(room, 'a', 'b');
    const client = await admitted(room);
    await client.ask(explicit);
    await client.gets(2);
    const { cursor } = client.of('ev')[0]!;
    expect(await asked(room, client, { op: 'nack', sid: 's', cursor, delay_ms: 5_000 })).toEqual({
      op: 'ok',
      ref: 'nack',
      sid: 's',
      cursor,
    });
    await room.clock.advance(4_000);
    await client.settled();
    expect(client.ids).toEqual(['a', 'b']);
    await room.clock.advance(1_000);
    expect(await client.gets(3)).toEqual(['a', 'b', 'a']);
  });

  it('acknowledges by pongs where it is not said otherwise', async () => {
    const room = await start();
    await publish(room, 'a', 'b');
    const first = await admitted(room);
    await first.ask(named);
    await first.gets(2);
    await room.clock.advance(1_000);
    await first.settled();
    await first.ask({ op: 'unsub', sid: 's' });
    const second = await admitted(room);
    expect(await second.ask({ ...named, from: 'latest' })).toMatchObject({
      cursor: first.of('ev')[1]!['cursor'],
    });
  });

  it('is not taken to have what its peer has not answered for', async () => {
    const room = await start();
    await publish(room, 'a', 'b');
    const first = await admitted(room);
    await first.ask(named);
    await first.gets(2);
    await first.ask({ op: 'unsub', sid: 's' });
    const second = await admitted(room);
    await second.ask({ ...named, from: 'latest' });
    expect(await second.gets(2)).toEqual(['a', 'b']);
  });

  it('is taken over by whoever comes last, and only the subscription of the other ends', async () => {
    const room = await start();
    const [first, second] = [await admitted(room), await admitted(room)];
    await first.ask(named);
    await second.ask(named);
    await until(() => first.of('err').length === 1);
    expect(first.of('err')).toMatchObject([
      { ref: 'sub', sid: 's', code: 4009, error: 'taken_over', retry: false },
    ]);
    await publish(room, 'a');
    await second.gets(1);
    await first.settled();
    expect([first.ids, first.closed]).toEqual([[], undefined]);
  });

  it('goes back with its subscription, and stays there', async () => {
    const room = await start();
    await publish(room, 'a', 'b', 'c');
    const first = await admitted(room);
    await first.ask({ ...explicit, from: { last: 1 } });
    await first.gets(1);
    expect(await asked(room, first, { op: 'rewind', sid: 's', from: 'a' })).toEqual({
      op: 'ok',
      ref: 'rewind',
      sid: 's',
      cursor: 'memory.1',
    });
    expect(await first.gets(3)).toEqual(['c', 'b', 'c']);
    expect(first.of('err')).toEqual([]);
    await first.ask({ op: 'unsub', sid: 's' });
    const second = await admitted(room);
    await second.ask(explicit);
    expect(await second.gets(2)).toEqual(['b', 'c']);
  });

  it('is sent elsewhere, or removed, and its connection is told', async () => {
    const room = await start();
    await publish(room, 'a');
    const client = await admitted(room);
    const { consumers } = room.bridge;
    await client.ask(named);
    const [kept] = consumers.list(undefined, { limit: 1 });
    await inTime(room, consumers.seek(kept!, room.log.head()));
    await until(() => client.of('err').length === 1);
    await client.ask({ ...named, from: 'latest' });
    await consumers.remove(kept!);
    await until(() => client.of('err').length === 2);
    expect(client.of('err')).toMatchObject([
      { sid: 's', code: 4009, error: 'sought', retry: true },
      { sid: 's', code: 4009, error: 'removed', retry: false },
    ]);
  });

  it('is of whoever showed a credential, and of nobody else who shows another one on the same connection', async () => {
    const room = await start();
    const client = await connect(room);
    const secret = { ...named, client: '0123456789abcdef' };
    expect(await client.ask(named)).toMatchObject({ op: 'err', error: 'invalid' });
    expect(await client.ask(secret)).toMatchObject({ op: 'ok' });
    await client.ask({ op: 'auth', token: ADMIN_KEY });
    await until(() => client.of('err').length === 2);
    expect(client.of('err')[1]).toMatchObject({ ref: 'sub', sid: 's', code: 4403 });
    expect(await client.ask(named)).toMatchObject({ op: 'ok' });
  });

  it.each([
    ['an ack of what keeps its own place', { op: 'ack', sid: 's', upto: 'memory.1' }, 'no_consumer'],
    ['an ack of nothing', { op: 'ack', sid: 's' }, 'invalid'],
    ['an ack that is of two minds', { op: 'ack', sid: 's', upto: 'a', cursor: 'b' }, 'invalid'],
    ['an ack that needs a consumer', { ...sub, sid: 't', ack: 'explicit' }, 'invalid'],
    ['a consumer that does not acknowledge', { ...sub, sid: 't', consumer: 'c', ack: 'none' }, 'invalid'],
    ['a consumer without a proper name', { ...sub, sid: 't', consumer: 'a b' }, 'invalid'],
    ['a window that is too large', { ...sub, sid: 't', consumer: 'c', window: 1_001 }, 'invalid'],
  ])('is told the cure for %s', async (_what, word, error) => {
    const client = await admitted(await start());
    await client.ask(sub);
    expect(await client.ask(word)).toMatchObject({ op: 'err', code: 4400, error });
  });

  it('is told the cure for a cursor that was not given', async () => {
    const client = await admitted(await start());
    await client.ask(explicit);
    for (const word of [
      { op: 'ack', upto: 'lost.1' },
      { op: 'nack', cursor: 'memory.0' },
    ])
      expect(await client.ask({ sid: 's', ...word })).toMatchObject({
        op: 'err',
        code: 4400,
        error: 'invalid',
      });
  });
});

describe('what a client says', () => {
  const ops = Object.keys(CLIENT_WORDS);
  const words = fc.record(
    {
      op: fc.oneof(fc.constantFrom(...ops), fc.string()),
      sid: fc.oneof(fc.string(), fc.anything()),
      topics: fc.oneof(fc.array(fc.webUrl()), fc.anything()),
      from: fc.oneof(fc.string(), fc.anything()),
      credit: fc.oneof(fc.nat(), fc.anything()),
      n: fc.anything(),
      filter: fc.anything(),
      data: fc.anything(),
      token: fc.anything(),
    },
    { requiredKeys: ['op'] },
  );

  it('is read, whatever it is, as a word, as a mistake, or as nonsense', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          words.map((word) => JSON.stringify(word) ?? ''),
          fc.json(),
          fc.string(),
        ),
        (text) => {
          const parsed = parseWord(text);
          expect(parsed).toSatisfy(isSound);
        },
      ),
    );
  });

  it('breaks nothing, whatever it is', async () => {
    const room = await start();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            words.map((word) => JSON.stringify(word) ?? ''),
            fc.json(),
          ),
          { maxLength: 8 },
        ),
        async (texts) => {
          const client = await connect(room);
          for (const text of texts) client.raw(text);
          client.raw('{"op":"ping","t":"end"}');
          await until(() => client.closed !== undefined || client.of('pong').some(({ t }) => t === 'end'));
          expect(room.faults).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });
});
