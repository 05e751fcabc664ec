import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { entryOf, FEED } from '../../contract/samples.js';
import { ADMIN_KEY, SocketServer, until, type Client } from '../../http/socket-server.sample.js';
import type { Reader } from '../reader.js';
import { selectionOf } from '../selection.js';
import { messageOf, type Message } from './frames.js';
import type { SocketProtocol } from './protocol.js';
import type { Socket } from './socket.js';

const KIB = 1024;
const AUTHORIZED = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };

/** Gives every entry of a feed, to as many readers as the address says, with what the test wants to see of it. */
class Feed implements SocketProtocol {
  readonly paths = ['/feed'];
  readonly sockets: Socket[] = [];
  readonly readers: Reader[] = [];
  readonly heard: string[] = [];
  readonly ended: string[] = [];
  readonly expiring: number[] = [];
  readonly watermarks: number[] = [];
  looks = 0;
  pings = 0;
  /** What every message is answered. */
  answer: Message | undefined;
  /** What a message waits for before the next one is taken. */
  readonly answers = new Map<string, Promise<void>>();
  readonly #room: () => SocketServer;
  readonly #frames = new Map<string, Message>();

  constructor(room: () => SocketServer) {
    this.#room = room;
  }

  choose(): undefined {
    return undefined;
  }

  converse(socket: Socket, { params }: { readonly params: URLSearchParams }) {
    this.sockets.push(socket);
    for (let nth = 0; nth < Number(params.get('readers') ?? 1); nth++)
      this.readers.push(this.#follow(socket));
    return {
      receive: (text: string): void | Promise<void> => {
        this.heard.push(text);
        if (this.answer !== undefined) socket.send(this.answer);
        if (text === 'throw') throw new Error('a defect');
        return this.answers.get(text);
      },
      expiring: (endsAt: number) => void this.expiring.push(endsAt),
      look: () => void (this.looks += 1),
      watermark: () => {
        const given = socket.entries;
        this.pings += 1;
        return () => void this.watermarks.push(given);
      },
      ended: (end: string) => void this.ended.push(end),
    };
  }

  farewell(reason: string, afterMs: number) {
    return { text: `${reason} ${afterMs}`, code: 4000, reason };
  }

  #follow(socket: Socket): Reader {
    return socket.follow(
      {
        selection: selectionOf([FEED], []),
        filter: undefined,
        onGap: 'earliest',
        position: this.#room().log.head(),
        permit: socket.permit,
      },
      {
        room: () => socket.room(),
        entry: ({ id, content }) => {
          const message = this.#frames.get(id) ?? messageOf(content.body);
          this.#frames.set(id, message);
          socket.give(message);
        },
        gap: () => undefined,
        live: () => undefined,
        failed: () => socket.end('failed'),
      },
    );
  }
}

async function start(
  options: Parameters<typeof SocketServer.start>[1] = {},
): Promise<{ room: SocketServer; feed: Feed }> {
  const parts: { room?: SocketServer } = {};
  const feed = new Feed(() => parts.room!);
  const room = await SocketServer.start(() => [feed], options);
  parts.room = room;
  return { room, feed };
}

async function connected(room: SocketServer, query = '', options = {}): Promise<Client> {
  const before = room.bridge.streams.count;
  const client = room.connect(`/feed${query}`, [], options);
  await until(() => room.bridge.streams.count > before && client.socket.readyState === 1);
  return client;
}

async function publish(room: SocketServer, id: string, text = id): Promise<void> {
  await room.log.append([entryOf(id, { content: { body: Buffer.from(text), contentType: 'text/plain' } })]);
}

/** Lets so many seconds pass, each with time for what happens on sockets. */
async function seconds(room: SocketServer, count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) {
    await room.clock.advance(1_000);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets so many minutes pass, in which clients answer their pings. */
async function minutes(room: SocketServer, feed: Feed, count: number): Promise<void> {
  for (let nth = 0; nth < count * 3; nth++) {
    await room.clock.advance(20_000);
    await until(() => feed.watermarks.length === feed.pings || feed.ended.length > 0);
  }
}

/** The network's socket of a client, which can be kept from reading. */
function networkOf(client: Client): Duplex {
  // ws does not tell it in its types; a client that is frozen as a whole cannot be had otherwise.
  return (client.socket as unknown as { readonly _socket: Duplex })._socket;
}

describe('a socket', () => {
  it('gives the entries of all its readers, in order', async () => {
    const { room } = await start();
    const client = await connected(room, '?readers=3');
    for (const id of ['a', 'b', 'c']) await publish(room, id);
    await until(() => client.texts.length === 9);
    for (const id of ['a', 'b', 'c']) expect(client.texts.filter((text) => text === id)).toHaveLength(3);
    expect(room.bridge.streams.count).toBe(1);
  });

  it('takes a window, and the rest stays with its readers, which go on when there is room', async () => {
    const { room, feed } = await start();
    const client = await connected(room, '?readers=2');
    networkOf(client).pause();
    const ids = Array.from({ length: 400 }, (_, nth) => String(nth));
    for (const id of ids) await publish(room, id, id.padEnd(64 * KIB, ' '));
    await until(() => feed.readers.every(({ state }) => state === 'full'));
    const [socket] = feed.sockets;
    expect(socket!.room()).toBeLessThanOrEqual(0);
    expect(socket!.entries).toBeLessThan(800);
    networkOf(client).resume();
    await until(() => client.texts.length === 800);
    const seen = client.texts.map((text) => text.trim());
    // Each reader gives in order; the two of them in whatever order.
    const first = new Set<string>();
    const firsts = seen.filter((id) => !first.has(id) && first.add(id));
    expect(firsts).toEqual(ids);
    expect(client.closed).toBeUndefined();
  });

  it('pings between the frames of a large message, which comes whole', async () => {
    const { room } = await start();
    const client = await connected(room);
    networkOf(client).pause();
    const large = 'x'.repeat(24 * KIB * KIB);
    await publish(room, 'large', large);
    await seconds(room, 26);
    let pings = 0;
    let before = -1;
    client.socket.on('ping', () => {
      pings += 1;
      before = client.texts.length;
    });
    networkOf(client).resume();
    await until(() => client.texts.length === 1);
    expect(client.texts[0]).toHaveLength(large.length);
    expect([pings, before]).toEqual([1, 0]);
  });

  it('that ends while a large message goes sends the rest of it, and its last words behind that', async () => {
    const { room } = await start();
    const client = await connected(room);
    networkOf(client).pause();
    const large = 'x'.repeat(24 * KIB * KIB);
    await publish(room, 'large', large);
    await seconds(room, 1);
    room.bridge.streams.drain();
    networkOf(client).resume();
    await until(() => client.closed !== undefined);
    expect(client.texts.map((text) => text.length > 100 || text.split(' ')[0])).toEqual([true, 'drain']);
    expect(client.texts[0]).toHaveLength(large.length);
    expect(client.closed).toBe('4000 drain');
  });

  it('is cut when its client takes nothing for 30 s while something waits for it', async () => {
    const { room } = await start();
    const client = await connected(room);
    networkOf(client).pause();
    await publish(room, 'large', 'x'.repeat(24 * KIB * KIB));
    await seconds(room, 40);
    await until(() => room.bridge.streams.count === 0);
    expect(room.ends).toEqual(['stalled']);
  });

  it('is cut when its client is silent for 10 s after a ping, and no sooner', async () => {
    const { room, feed } = await start();
    const client = await connected(room);
    networkOf(client).pause();
    await seconds(room, 33);
    expect(room.ends).toEqual([]);
    await seconds(room, 5);
    await until(() => room.ends.length > 0);
    expect([room.ends, feed.ended]).toEqual([['no_pong'], ['no_pong']]);
  });

  it('stays while its client answers pings, and learns from them how far it has come', async () => {
    const { room, feed } = await start();
    const client = await connected(room);
    for (const id of ['a', 'b']) await publish(room, id);
    await until(() => client.texts.length === 2);
    await minutes(room, feed, 1);
    expect(feed.watermarks).toEqual([2, 2]);
    await publish(room, 'c');
    await minutes(room, feed, 1);
    expect(feed.watermarks.slice(2)).toEqual([3, 3]);
    expect(client.closed).toBeUndefined();
    expect(feed.looks).toBeGreaterThanOrEqual(118);
  });

  it('ends between 48 and 60 minutes, and says when to come back', async () => {
    const { room, feed } = await start();
    const client = await connected(room);
    await minutes(room, feed, 47);
    expect(client.closed).toBeUndefined();
    await minutes(room, feed, 13);
    await until(() => client.closed !== undefined);
    expect(client.closed).toBe('4000 max_age');
    expect(Number(client.texts.at(-1)?.replace('max_age ', ''))).toBeGreaterThanOrEqual(1_000);
  });

  it('tells of the end of a credential, and ends with it', async () => {
    const { room, feed } = await start();
    const client = await connected(room, '', AUTHORIZED);
    const [socket] = feed.sockets;
    const endsAt = room.clock.now() + 60_000;
    socket!.permit.renew({ ...socket!.permit.grant, endsAt });
    await seconds(room, 29);
    expect(feed.expiring).toEqual([]);
    await seconds(room, 3);
    expect(feed.expiring).toEqual([endsAt]);
    await publish(room, 'a');
    await until(() => client.texts.length === 1);
    await seconds(room, 29);
    await until(() => client.closed !== undefined);
    expect([client.closed, room.ends]).toEqual(['4000 expired', ['expired']]);
  });

  it('goes on by a credential that was renewed', async () => {
    const { room, feed } = await start();
    const client = await connected(room, '', AUTHORIZED);
    const [socket] = feed.sockets;
    const { grant } = socket!.permit;
    socket!.permit.renew({ ...grant, endsAt: room.clock.now() + 10_000 });
    socket!.permit.renew({ ...grant, endsAt: room.clock.now() + 100_000 });
    await minutes(room, feed, 1);
    expect(client.closed).toBeUndefined();
    await minutes(room, feed, 1);
    await until(() => client.closed !== undefined);
    expect(client.closed).toBe('4000 expired');
  });

  it('hears one message after the other, each when the one before is settled', async () => {
    const { room, feed } = await start();
    let settle = (): void => undefined;
    feed.answers.set('first', new Promise((resolve) => (settle = resolve)));
    const client = await connected(room);
    for (const text of ['first', 'second', 'third']) client.socket.send(text);
    await until(() => feed.heard.length > 0);
    await seconds(room, 1);
    expect(feed.heard).toEqual(['first']);
    settle();
    await until(() => feed.heard.length === 3);
    expect(feed.heard).toEqual(['first', 'second', 'third']);
  });

  it('listens no more to a client that does not take the answers', async () => {
    const { room, feed } = await start({ dev: true });
    const client = await connected(room);
    feed.answer = messageOf('x'.repeat(16 * KIB));
    networkOf(client).pause();
    for (let nth = 0; nth < 5_000; nth++) client.socket.send('question');
    await seconds(room, 5);
    // A window, what the networks of this machine take, and what had been read already.
    expect(feed.heard.length).toBeLessThan(2_500);
    networkOf(client).resume();
    await until(() => client.texts.length === 5_000);
    expect(client.closed).toBeUndefined();
  });

  it.each([
    ['messages', (client: Client) => client.socket.send('x')],
    ['pongs', (client: Client) => client.socket.pong()],
  ])('is ended when its client floods it with %s', async (_what, send) => {
    const { room } = await start();
    const client = await connected(room);
    for (let nth = 0; nth < 1_001; nth++) send(client);
    await until(() => client.closed !== undefined);
    expect([client.closed, room.ends]).toEqual(['4000 rate', ['rate']]);
  });

  it.each([
    [
      'more than 64 KiB',
      '1009 ',
      'too_large',
      (client: Client) => client.socket.send('x'.repeat(64 * KIB + 1)),
    ],
    ['more than 64 KiB in fragments', '1009 ', 'too_large', fragments(70, 1 * KIB)],
    [
      'JSON that nests so deep that nobody can write it',
      '4000 bad_frame',
      'bad_frame',
      (client: Client) => client.socket.send('['.repeat(30_000)),
    ],
    ['a flood of fragments', '1008 ', 'bad_frame', fragments(300, 1)],
    ['what is no UTF-8', '1007 ', 'bad_frame', raw([0x81, 0x81, 0, 0, 0, 0, 0xff])],
    ['an opcode that nobody knows', '1002 ', 'bad_frame', raw([0x83, 0x80, 0, 0, 0, 0])],
    ['a frame without a mask', '1002 ', 'bad_frame', raw([0x81, 0x01, 0x61])],
    [
      'a compressed frame, which was not agreed on',
      '1002 ',
      'bad_frame',
      raw([0xc1, 0x81, 0, 0, 0, 0, 0x61]),
    ],
    ['a frame of a tebibyte', '1009 ', 'too_large', raw([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
    ['a long ping', '1002 ', 'bad_frame', raw([0x89, 0xfe, 0, 200, 0, 0, 0, 0])],
    [
      'bytes instead of text',
      '4000 bad_frame',
      'bad_frame',
      (client: Client) => client.socket.send(Buffer.from('x')),
    ],
  ])('is ended when its client sends %s', async (_what, closed, end, send) => {
    const { room } = await start();
    const client = await connected(room);
    send(client);
    await until(() => client.closed !== undefined);
    expect([client.closed, room.ends, room.faults]).toEqual([closed, [end], []]);
  });

  it('is ended by a defect, which is told of', async () => {
    const { room } = await start();
    const client = await connected(room);
    client.socket.send('throw');
    await until(() => client.closed !== undefined);
    expect([client.closed, room.ends]).toEqual(['4000 failed', ['failed']]);
    expect(room.faults).toEqual([new Error('a defect')]);
  });

  it('is let go when its client has gone, and its readers with it', async () => {
    const { room, feed } = await start();
    const client = await connected(room, '?readers=2');
    client.socket.terminate();
    await until(() => room.bridge.streams.count === 0);
    expect([room.ends, feed.ended]).toEqual([['client'], ['client']]);
    expect(feed.readers.map(({ state }) => state)).toEqual(['ended', 'ended']);
  });

  it('is ended with all others when the hub stops, each with a time of its own', async () => {
    const { room } = await start();
    const clients = [await connected(room), await connected(room)];
    room.bridge.drain();
    await until(() => clients.every(({ closed }) => closed !== undefined));
    expect(clients.map(({ closed }) => closed)).toEqual(['4000 drain', '4000 drain']);
    expect(new Set(clients.map(({ texts }) => texts.at(-1))).size).toBe(2);
  });

  it('counts among the streams of whom it shows to be', async () => {
    const { room, feed } = await start({ bounds: { perSubject: 1 } });
    await connected(room);
    await connected(room);
    const { streams } = room.bridge;
    const ann = { address: '127.0.0.1', subject: 'ann' };
    expect(streams.identify(feed.sockets[0]!, { subject: 'ann' })).toBe(true);
    expect(streams.isFull(ann)).toBe(true);
    expect(streams.identify(feed.sockets[1]!, { subject: 'ann' })).toBe(false);
    expect(streams.identify(feed.sockets[0]!, { subject: undefined })).toBe(true);
    expect(streams.isFull(ann)).toBe(false);
  });
});

function raw(bytes: readonly number[]): (client: Client) => void {
  return (client) => void networkOf(client).write(Buffer.from(bytes));
}

function fragments(count: number, bytes: number): (client: Client) => void {
  return ({ socket }) => {
    for (let nth = 0; nth < count; nth++) socket.send('x'.repeat(bytes), { fin: nth === count - 1 });
  };
}
