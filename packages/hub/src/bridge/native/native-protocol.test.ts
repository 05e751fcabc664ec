import { describe, expect, it } from 'vitest';
import { entryOf, FEED, NEWS } from '../../contract/samples.js';
import { ADMIN_KEY, until } from '../../http/socket-server.sample.js';
import { AUTHORIZED, connect, publish, start, sub } from './native.sample.js';

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
