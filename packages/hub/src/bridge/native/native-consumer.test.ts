import { describe, expect, it } from 'vitest';
import { ADMIN_KEY, until, type SocketServer } from '../../http/socket-server.sample.js';
import { AUTHORIZED, connect, inTime, publish, start, sub, type Native } from './native.sample.js';

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
