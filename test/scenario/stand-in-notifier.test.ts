import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ADMIN, bearer, createKey, GUARDED, revokeKey } from '../support/access.js';
import { startClockedHub } from '../support/hub-in-process.js';
import { send, sendRaw, type Answer } from '../support/http.js';
import { published, type HubAddress } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';
import { wsAddress } from '../support/ws-clients.js';

const world = useWorld();
const clients: Client[] = [];
let names = 0;

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function newName(): string {
  names += 1;
  return `client-${names}`;
}

interface Event {
  readonly accessid: string;
  readonly created_at: number;
  readonly payload: string;
}

const eventOf = (accessid: string, created_at: number): Event => ({
  accessid,
  created_at,
  payload: `${accessid} at ${created_at}`,
});
const timesOf = (events: readonly Event[]): number[] => events.map(({ created_at }) => created_at);
const upTo = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_each, nth) => first + nth);

/** A client as notifier's users write it, on the `ws` library: it announces itself when it is connected, and reads. */
class Client {
  readonly frames: string[] = [];
  /** Code and reason of the close frame. */
  closed: readonly [code: number, reason: string] | undefined;
  pings = 0;
  readonly socket: WebSocket;

  constructor(hub: HubAddress, announcement: unknown, options: object = {}) {
    this.socket = new WebSocket(wsAddress(hub, '/subscribe_to_events'), options);
    const isWritten = typeof announcement === 'string' || Buffer.isBuffer(announcement);
    const message = isWritten ? announcement : JSON.stringify(announcement);
    this.socket.on('open', () => this.socket.send(message));
    this.socket.on('message', (data: Buffer) => this.frames.push(data.toString()));
    this.socket.on('ping', () => (this.pings += 1));
    this.socket.on('close', (code, reason) => (this.closed = [code, reason.toString()]));
    this.socket.on('error', () => undefined);
    clients.push(this);
  }

  get events(): Event[] {
    return this.frames.flatMap((frame) => JSON.parse(frame) as Event[]);
  }

  async gets(count: number, timeoutMs?: number): Promise<Event[]> {
    await until(`${count} events arrived`, () => this.events.length >= count, timeoutMs);
    return this.events;
  }

  async ends(): Promise<readonly [code: number, reason: string]> {
    return until('it is closed', () => this.closed);
  }

  close(): void {
    this.socket.terminate();
  }
}

function announce(accessId: string, timestamp: number, hub: HubAddress = world.hub): Client {
  return new Client(hub, { access_id: accessId, timestamp });
}

/** Announced, and there; the first of its name. */
async function connected(accessId: string, timestamp: number, hub: HubAddress = world.hub): Promise<Client> {
  const client = announce(accessId, timestamp, hub);
  await until('it is there', async () => (await namesOf(hub)).includes(accessId));
  return client;
}

async function namesOf(hub: HubAddress): Promise<string[]> {
  const { text } = await send(new URL('/clients', hub.url).href);
  return text
    .replace(/^Connected clients:/, '')
    .split(' ')
    .slice(0, -1);
}

function post(path: string, body: unknown, hub: HubAddress = world.hub, headers = {}): Promise<Answer> {
  return send(new URL(path, hub.url).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function push(events: readonly Event[], hub: HubAddress = world.hub): Promise<void> {
  const answer = await post('/push_events', events, hub);
  if (answer.status !== 200) throw new Error(`the events were answered ${answer.status}: ${answer.text}`);
}

describe('events', () => {
  it('S003: the commands of the documentation do what they say', async () => {
    // wscat -c http://localhost:8080/subscribe_to_events
    const client1 = new Client(world.hub, '{ "access_id" : "client1", "timestamp" : 5 }');
    const client2 = new Client(world.hub, '{ "access_id" : "client2", "timestamp" : 2000 }');
    await until('they are there', async () => (await namesOf(world.hub)).length === 2);
    const list = await send(new URL('/clients', world.hub.url).href);
    expect([list.status, list.text]).toEqual([200, 'Connected clients:client1 client2 ']);
    // curl -H "Content-Type: application/json" -X POST -d '[…]' localhost:8080/push_events
    const pushed = await post(
      '/push_events',
      '[{"accessid":"client1", "created_at": 10, "payload" : "client1 message"},{"accessid":"client2", "created_at": 20, "payload" : "client2 message"}]',
    );
    expect([pushed.status, pushed.text]).toEqual([200, 'true']);
    expect(pushed.headers['content-type']).toMatch(/^text\/plain/);
    await client1.gets(1);
    expect(client1.frames).toEqual(['[{"accessid":"client1","created_at":10,"payload":"client1 message"}]']);
    // Its time was too early.
    expect(client2.frames).toEqual([]);
    // curl … -d '{"drop_access_id":"client1"}' localhost:8080/drop_user
    const dropped = await post('/drop_user', '{"drop_access_id":"client1"}');
    expect([dropped.status, dropped.text]).toEqual([200, 'true']);
    expect(await client1.ends()).toEqual([1000, 'close']);
    await until('it is gone', async () => (await namesOf(world.hub)).join() === 'client2');
    expect(client2.closed).toBeUndefined();
  });

  it('S003: who announces itself is given what was stored with its time or later, and then what comes', async () => {
    const name = newName();
    // By the clock of who pushes: not in order, and far from that of the hub.
    for (const time of [2000, 10, -5, 20, 199, 200])
      await push([eventOf(name, time), eventOf('other', time)]);
    const client = announce(name, 200);
    expect(timesOf(await client.gets(2))).toEqual([2000, 200]);
    await push([eventOf(name, 199), eventOf(name, 201)]);
    expect(timesOf(await client.gets(3))).toEqual([2000, 200, 201]);
    const all = announce(name, Number.MIN_SAFE_INTEGER);
    expect(timesOf(await all.gets(8))).toEqual([2000, 10, -5, 20, 199, 200, 199, 201]);
  });

  it('S003: what is pushed together comes in one list, of all that are for the client, a hundred at most', async () => {
    const name = newName();
    const client = await connected(name, 0);
    await push([eventOf(name, 1), eventOf('other', 2), eventOf(name, 3)]);
    await client.gets(2);
    expect(client.frames.map((frame) => timesOf(JSON.parse(frame) as Event[]))).toEqual([[1, 3]]);
    await push(upTo(4, 453).map((time) => eventOf(name, time)));
    await client.gets(452);
    expect(timesOf(client.events)).toEqual([1, 3, ...upTo(4, 453)]);
    const late = announce(name, 4);
    await late.gets(450);
    for (const { frames } of [client, late])
      expect(Math.max(...frames.map((frame) => (JSON.parse(frame) as Event[]).length))).toBeLessThanOrEqual(
        100,
      );
  });

  it('S003: every connection of a client is given its events, and dropped with it', async () => {
    const name = newName();
    const [one, other] = [await connected(name, 0), announce(name, 0)];
    await push([eventOf(name, 1)]);
    await Promise.all([one.gets(1), other.gets(1)]);
    one.close();
    await push([eventOf(name, 2)]);
    expect(timesOf(await other.gets(2))).toEqual([1, 2]);
    expect(await namesOf(world.hub)).toContain(name);
    await post('/drop_user', { drop_access_id: name });
    expect(await other.ends()).toEqual([1000, 'close']);
  });

  it('S003: a push and a drop are true, also when nobody is there', async () => {
    for (const [path, body] of [
      ['/push_events', [eventOf(newName(), 1)]],
      ['/push_events', []],
      ['/drop_user', { drop_access_id: newName() }],
    ] as const) {
      const answer = await post(path, body);
      expect([answer.status, answer.text]).toEqual([200, 'true']);
    }
  });

  it('are a topic, read by every other way as well', async () => {
    const name = newName();
    const topic = `${world.hub.url}clients/${name}`;
    await push([eventOf(name, 1)]);
    const answer = await send(
      new URL(`/v1/wait?topic=${encodeURIComponent(topic)}&look_back=60`, world.hub.url).href,
      { headers: { accept: 'application/json' } },
    );
    expect(JSON.parse(answer.text)).toMatchObject({ topic, data: eventOf(name, 1) });
    // What is published there without a time is none of notifier's events.
    await published(world.hub, topic, 'something else');
    const client = announce(name, 0);
    await push([eventOf(name, 2)]);
    expect(timesOf(await client.gets(2))).toEqual([1, 2]);
  });

  it('S003: a client that comes back with the time behind its last event misses none and has none twice, through kills', async () => {
    const name = newName();
    const got: number[] = [];
    let stopped = false;
    const reading = (async () => {
      while (!stopped) {
        const client = announce(name, (got.at(-1) ?? 0) + 1);
        await until('it is cut off, or that is all', () => stopped || client.closed, 60_000);
        got.push(...timesOf(client.events));
        client.close();
      }
    })();
    const pushing = (async () => {
      for (let time = 1; time <= 120; time += 3) {
        const batch = [time, time + 1, time + 2].map((each) => eventOf(name, each));
        // What was not answered may be stored: it is asked what is there, since events have no ids.
        await until('the events are stored', () => pushedOnce(name, batch), 30_000);
      }
    })();
    for (let round = 0; round < 2; round++) {
      const before = await until('something is stored', () => lastStored(name));
      await until('it gets on', async () => ((await lastStored(name)) ?? 0) > before + 10, 30_000);
      await world.hub.kill();
      await world.hub.restart();
    }
    await pushing;
    const isRead = (): boolean => got.length + (clients.at(-1)?.events.length ?? 0) >= 120;
    await until('everything was read', isRead, 30_000);
    stopped = true;
    await reading;
    expect(got).toEqual(upTo(1, 120));
  }, 120_000);
});

/** The time of the newest event that is stored. */
async function lastStored(name: string): Promise<number | undefined> {
  const topic = encodeURIComponent(`${world.hub.url}clients/${name}`);
  const address = new URL(`/v1/wait?topic=${topic}&since=last:1&timeout=1`, world.hub.url).href;
  const answer = await send(address, { headers: { accept: 'application/json' } }).catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.text) as { data: Event }).data.created_at;
}

/** True once the events are stored, and they are once. */
async function pushedOnce(name: string, batch: readonly Event[]): Promise<boolean> {
  try {
    if (batch[0]!.created_at > 1 && (await lastStored(name)) === batch.at(-1)!.created_at) return true;
    return (await post('/push_events', batch)).status === 200;
  } catch {
    return false;
  }
}

describe('connections', () => {
  it('S003: a client that answers no ping is gone in less than 45 s, and one that does is not', async () => {
    const { hub, clock } = await startClockedHub();
    const alive = await connected('alive', 0, hub);
    const frozen = new Client(hub, { access_id: 'frozen', timestamp: 0 }, { autoPong: false });
    await until('it is there', async () => (await namesOf(hub)).length === 2);
    let seconds = 0;
    const second = async (): Promise<void> => {
      await clock.advance(1_000);
      seconds += 1;
    };
    while (seconds < 30) await second();
    await second();
    await until('they were pinged', () => frozen.pings === 1 && alive.pings === 1);
    // What was answered has to be read before the next second passes.
    while (seconds < 44 && (await namesOf(hub)).includes('frozen')) await second();
    expect(await namesOf(hub)).toEqual(['alive']);
    await frozen.ends();
    await push([eventOf('alive', 1)], hub);
    await alive.gets(1);
  });

  it('S003: when there is no room a client is told that the hub is too busy', async () => {
    const { hub } = await startClockedHub({ maxStreams: 1 });
    const first = await connected('first', 0, hub);
    expect(await announce('second', 0, hub).ends()).toEqual([1013, 'too busy']);
    first.close();
    await until('there is room', async () => (await namesOf(hub)).length === 0);
    await connected('third', 0, hub);
  });

  it('LAW 7: a client that takes nothing costs the others nothing, and has everything when it takes again', async () => {
    const name = newName();
    const stalled = await connected(name, 0);
    stalled.socket.pause();
    const taking = announce(name, 0);
    const padding = 'x'.repeat(64 * 1024);
    for (const time of upTo(1, 100)) await push([{ ...eventOf(name, time), payload: padding }]);
    await taking.gets(100);
    stalled.socket.resume();
    expect(timesOf(await stalled.gets(100))).toEqual(upTo(1, 100));
  });

  it('may announce and talk in binary messages, as to notifier', async () => {
    const name = newName();
    await push([eventOf(name, 1)]);
    const client = new Client(world.hub, Buffer.from(JSON.stringify({ access_id: name, timestamp: 0 })));
    await client.gets(1);
    client.socket.send(Buffer.from([1, 2, 3]));
    await push([eventOf(name, 2)]);
    expect(timesOf(await client.gets(2))).toEqual([1, 2]);
    const wrong = new Client(world.hub, Buffer.from([1, 2, 3]));
    expect(await wrong.ends()).toEqual([1007, 'Wrong JSON announcement']);
    expect(wrong.frames).toEqual(['Wrong JSON announcement']);
  });

  it('what a client says after it has announced itself means nothing', async () => {
    const name = newName();
    const client = await connected(name, 0);
    client.socket.send(JSON.stringify({ access_id: 'another', timestamp: 0 }));
    client.socket.send('anything');
    await push([eventOf(name, 1), eventOf('another', 2)]);
    expect(timesOf(await client.gets(1))).toEqual([1]);
    expect(await namesOf(world.hub)).not.toContain('another');
  });
});

describe('who may', () => {
  it('LAW 13: push, drop, list and read what the credential says, and no longer than it is good', async () => {
    const hub = await world.embedHub({ dev: false, flags: [...GUARDED, '--read', 'closed'] });
    const topic = `${hub.url}clients/mine`;
    const reader = await createKey(hub, { role: 'reader', read: [topic] });
    const connector = await createKey(hub, { role: 'publisher', publish: [topic] });
    const ask = async (path: string, body: unknown, key?: string): Promise<number> =>
      (await post(path, body, hub, key === undefined ? {} : bearer(key))).status;
    expect(await ask('/push_events', 'not even JSON')).toBe(401);
    expect(await ask('/push_events', [eventOf('mine', 1)], reader.key)).toBe(403);
    expect(await ask('/push_events', [eventOf('mine', 1), eventOf('theirs', 1)], connector.key)).toBe(403);
    expect(await ask('/push_events', [eventOf('mine', 1)], connector.key)).toBe(200);
    expect(await ask('/drop_user', { drop_access_id: 'mine' })).toBe(401);
    expect(await ask('/drop_user', { drop_access_id: 'mine' }, reader.key)).toBe(403);
    expect(await ask('/drop_user', { drop_access_id: 'theirs' }, connector.key)).toBe(403);
    const list = (headers: Readonly<Record<string, string>>): Promise<Answer> =>
      send(new URL('/clients', hub.url).href, { headers });
    expect((await list({})).status).toBe(401);
    expect((await list(bearer(connector.key))).status).toBe(403);

    const as = (accessId: string, headers: Readonly<Record<string, string>>): Client =>
      new Client(hub, { access_id: accessId, timestamp: 0 }, { headers });
    const [nobody, wrong, other] = [
      as('mine', {}),
      as('mine', bearer('wrong')),
      as('theirs', bearer(reader.key)),
    ];
    for (const client of [nobody, wrong, other]) expect((await client.ends())[0]).toBe(1008);
    expect([...nobody.frames, ...wrong.frames, ...other.frames]).toEqual([]);
    const mine = as('mine', bearer(reader.key));
    await mine.gets(1);
    expect((await list(ADMIN)).text).toBe('Connected clients:mine ');
    await revokeKey(hub, reader.id);
    expect((await mine.ends())[0]).toBe(1008);
    expect(await ask('/drop_user', { drop_access_id: 'mine' }, connector.key)).toBe(200);
  });
});

describe('hostile input', () => {
  it.each([
    'nonsense',
    '{}',
    '[]',
    'null',
    '"client1"',
    '{"access_id":"client1"}',
    '{"access_id":"client1","timestamp":"200"}',
    '{"access_id":"client1","timestamp":1.5}',
    '{"access_id":"client1","timestamp":12345678901234567890}',
    '{"access_id":7,"timestamp":200}',
    '{"access_id":"","timestamp":200}',
    '{"access_id":"\\ud800","timestamp":200}',
    `{"access_id":"${'x'.repeat(3_000)}","timestamp":200}`,
    '{"accessid":"client1","timestamp":200}',
  ])('the announcement %s is answered as by notifier, and the connection ends', async (announcement) => {
    const client = new Client(world.hub, announcement);
    expect(await client.ends()).toEqual([1007, 'Wrong JSON announcement']);
    expect(client.frames).toEqual(['Wrong JSON announcement']);
  });

  it.each<[string, unknown, RegExp]>([
    ['no list', { accessid: 'a' }, /this is no list/],
    ['no JSON', '[', /not JSON/],
    ['something else in the list', [7], /event 1: an event is no object/],
    ['no access id', [eventOf('a', 1), { created_at: 1, payload: '' }], /event 2: accessid is missing/],
    [
      'a time that is text',
      [{ accessid: 'a', created_at: '1', payload: '' }],
      /created_at is missing, or is no whole/,
    ],
    [
      'a time of 20 digits',
      '[{"accessid":"a","created_at":12345678901234567890,"payload":""}]',
      /created_at/,
    ],
    [
      'a payload that is an object',
      [{ accessid: 'a', created_at: 1, payload: {} }],
      /payload is missing, or is no text/,
    ],
    ['half a character', '[{"accessid":"\\udc00","created_at":1,"payload":""}]', /accessid is not Unicode/],
    ['an access id that no topic holds', [eventOf('x'.repeat(3_000), 1)], /accessid is longer/],
    ['more than 10,000', Array.from({ length: 10_001 }, () => eventOf('a', 1)), /more than 10000 events/],
  ])(
    'events with %s are answered 400 with what is wrong, and none is stored',
    async (_what, body, sentence) => {
      const answer = await post('/push_events', body);
      expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(sentence)]);
      expect(await lastStored('a')).toBeUndefined();
    },
  );

  it('a payload of any text comes as it was', async () => {
    const name = newName();
    const payload = '{"a": "\\u0000 \ud83e\udd8a \n", "b": "</script>"}';
    await push([{ accessid: name, created_at: 1, payload }]);
    const [event] = await announce(name, 0).gets(1);
    expect(event?.payload).toBe(payload);
  });

  it.each([
    ['/push_events', '{"accessid"', 'text/plain', 415],
    ['/drop_user', '{"drop_access_id":7}', 'application/json', 400],
    ['/drop_user', '[]', 'application/json', 400],
    ['/drop_user', '', 'application/json', 400],
    ['/drop_user', `{"drop_access_id":"${'x'.repeat(70_000)}"}`, 'application/json', 413],
  ])('POST %s with %s as %s is answered 4xx', async (path, body, type, status) => {
    const answer = await send(new URL(path, world.hub.url).href, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect(answer.status).toBe(status);
  });

  it('bytes that are no WebSocket, and messages that are no JSON, end the connection and nothing else', async () => {
    const http = await send(new URL('/subscribe_to_events', world.hub.url).href);
    expect(http.status).toBe(426);
    const half = await sendRaw(
      world.hub.url,
      'GET /subscribe_to_events HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(half.status).toBe(400);
    const client = new Client(world.hub, '');
    await client.ends();
  });
});
