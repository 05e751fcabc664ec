import { TestClock } from '@websub/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryConsumers } from '../contract/memory-consumers.js';
import { MemoryLog } from '../contract/memory-log.js';
import { entryOf, FEED } from '../contract/samples.js';
import type { Owner } from '../consumer/consumer.js';
import { HubEmitter } from '../events.js';
import { HotTail } from '../log/hot-tail.js';
import type { Entry } from '../log/log.js';
import type { Attachment, ConsumerEnd, ConsumerSink } from './attachment.js';
import { begin } from './begin.js';
import { ConsumerRoll, type ConsumerRequest } from './consumer-roll.js';
import type { Gap } from './gap.js';
import { Payloads } from './payload.js';
import { anybodysPermit } from './permit.sample.js';
import { readRequestOf } from './read-request.js';
import { Readers } from './readers.js';

const DAY = 86_400_000;
const ANN: Owner = { tenant: 'acme', holder: 'subject:ann' };

/** A client that takes everything, until it is told that it no longer may. */
class Client implements ConsumerSink {
  readonly entries: Entry[] = [];
  readonly gaps: Gap[] = [];
  ended: ConsumerEnd | undefined;
  attachment!: Attachment;

  room(): number {
    return 1;
  }

  entry(entry: Entry): void {
    this.entries.push(entry);
  }

  gap(gap: Gap): void {
    this.gaps.push(gap);
  }

  live(): void {}

  failed(): void {}

  end(why: ConsumerEnd): void {
    this.ended = why;
  }

  get ids(): string {
    return this.entries.map(({ id }) => id).join('');
  }

  /** The cursor of the last entry with this id. */
  cursor(id: string): string {
    return `memory.${this.entries.findLast((entry) => entry.id === id)!.position}`;
  }
}

let clock: TestClock;
let store: MemoryConsumers;
let log: HotTail;
let events: HubEmitter;
let roll: ConsumerRoll;

beforeEach(async () => {
  clock = new TestClock();
  store = new MemoryConsumers();
  log = new HotTail(new MemoryLog());
  events = new HubEmitter();
  await start();
});

/** Nobody says anything to the hub that ran before: as when it is killed. */
async function start(): Promise<void> {
  const readers = new Readers({ log, payloads: new Payloads(), clock, events });
  roll = new ConsumerRoll({
    consumers: store,
    log,
    readers,
    consumerExpiryMs: 7 * DAY,
    clock,
    events,
  });
  await roll.start();
}

async function attach(more: Partial<ConsumerRequest> = {}, query = 'since=earliest'): Promise<Client> {
  const request = { owner: ANN, name: 'billing', ack: 'explicit', window: 10, ...more } as const;
  const wanted = readRequestOf(new URLSearchParams(`topic=${FEED}&${query}`), undefined, clock.now());
  const client = new Client();
  client.attachment = await roll.attach(request, wanted);
  const beginning = await begin(log, client.attachment.from(wanted));
  if (beginning.kind === 'refused') throw new Error('refused');
  const permit = anybodysPermit(clock);
  if (beginning.gap !== undefined) client.gap(beginning.gap);
  client.attachment.open({ ...wanted, position: beginning.position, permit }, client);
  await settled();
  return client;
}

async function publish(ids: string): Promise<void> {
  await log.append(ids.split('').map((id) => entryOf(id)));
  await settled();
}

/** Settles when every reader has come as far as it can, and what changed is saved. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Acknowledges; the places are saved meanwhile. */
async function saved(acknowledging: Promise<void>): Promise<void> {
  await clock.advance(60);
  await acknowledging;
}

describe('a consumer', () => {
  it('goes on behind what it has acknowledged, and is given the rest again, also after a kill', async () => {
    const first = await attach();
    await publish('abcd');
    await saved(first.attachment.ackThrough(first.cursor('b')));
    await start();
    expect((await attach()).ids).toBe('cd');
  });

  it('is not given more than its window before it acknowledges', async () => {
    const client = await attach({ window: 2 });
    await publish('abcd');
    expect(client.ids).toBe('ab');
    await saved(client.attachment.ackThrough(client.cursor('a')));
    await settled();
    expect(client.ids).toBe('abc');
  });

  it('begins where it says, and only the first time', async () => {
    await publish('ab');
    expect((await attach({}, 'since=last:1')).ids).toBe('b');
    expect((await attach({}, 'since=earliest')).ids).toBe('b');
    expect((await attach({ name: 'other' }, '')).ids).toBe('');
  });

  it('is used by one at a time: the newest ends the others, and is given what they did not acknowledge', async () => {
    const first = await attach();
    await publish('ab');
    const second = await attach();
    expect([first.ended, first.ids, second.ids]).toEqual(['taken_over', 'ab', 'ab']);
    await publish('c');
    expect([first.ids, second.ids]).toEqual(['ab', 'abc']);
    await expect(first.attachment.ackThrough('memory.1')).rejects.toThrow(/another connection/);
  });

  it('is given again what it refuses, after a while, and whatever else meanwhile', async () => {
    const client = await attach();
    await publish('ab');
    await saved(client.attachment.nack(client.cursor('a'), 5_000));
    await publish('c');
    await clock.advance(4_000);
    await settled();
    expect(client.ids).toBe('abc');
    await clock.advance(1_000);
    await settled();
    expect(client.ids).toBe('abca');
  });

  it('keeps the order with a window of one, whatever it refuses', async () => {
    const client = await attach({ window: 1 });
    await publish('ab');
    await saved(client.attachment.nack(client.cursor('a'), 1_000));
    expect(client.ids).toBe('a');
    await clock.advance(1_000);
    await settled();
    await saved(client.attachment.ackThrough(client.cursor('a')));
    await settled();
    expect(client.ids).toBe('aab');
  });

  it('remembers over a kill what it has refused, though it acknowledged what follows', async () => {
    const first = await attach();
    await publish('abc');
    await saved(first.attachment.nack(first.cursor('a'), 1_000));
    await saved(first.attachment.ackThrough(first.cursor('b')));
    await start();
    const second = await attach();
    await clock.advance(1_000);
    await settled();
    expect(second.ids.split('').toSorted().join('')).toBe('ac');
  });

  it('is told when what it refused is removed before it is given again', async () => {
    const client = await attach();
    await publish('ab');
    await saved(client.attachment.nack(client.cursor('a'), 1_000));
    await saved(client.attachment.ackThrough(client.cursor('b')));
    await log.trim({ ageMs: Infinity, count: 1, bytes: Infinity }, 0);
    await clock.advance(1_000);
    await settled();
    expect(client.ids).toBe('ab');
    expect(client.gaps).toMatchObject([{ reason: 'evicted', lost: 1 }]);
    client.attachment.leave();
    expect((await attach()).ids).toBe('');
  });

  it('with auto has acknowledged whatever has left, and its client says what has arrived', async () => {
    const first = await attach({ ack: 'auto' });
    await publish('abc');
    first.attachment.settle();
    const lost = `last_event_id=${first.cursor('b')}`;
    first.attachment.leave();
    const second = await attach({ ack: 'auto' }, lost);
    expect(second.ids).toBe('c');
    second.attachment.settle();
    await publish('d');
    second.attachment.settle();
    // Somebody who was away for long does not turn back the others.
    await attach({ ack: 'auto' });
    expect((await attach({ ack: 'auto' }, lost)).ids).toBe('');
  });

  it('can acknowledge while it comes back', async () => {
    const first = await attach();
    await publish('abc');
    const second = await attach({ upto: first.cursor('b') });
    expect(second.ids).toBe('c');
  });

  it.each(['other.1', 'memory.99', 'a', ''])(
    'refuses the cursor %j, which no entry here has',
    async (cursor) => {
      const client = await attach();
      await publish('a');
      await expect(client.attachment.ackThrough(cursor)).rejects.toMatchObject({ code: 'invalid_request' });
      await expect(client.attachment.nack(cursor, 0)).rejects.toMatchObject({ code: 'invalid_request' });
      await expect(attach({ upto: cursor })).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );

  it('begins nothing that nobody remembers: it is durable before it is given anything', async () => {
    await attach({}, '');
    await start();
    await publish('a');
    expect((await attach({}, '')).ids).toBe('a');
  });
});

describe('consumers', () => {
  it('are told apart by whose they are', async () => {
    await publish('a');
    const ann = await attach();
    await saved(ann.attachment.ackThrough(ann.cursor('a')));
    const others: Owner[] = [
      { tenant: 'acme', holder: 'subject:bob' },
      { tenant: 'other', holder: 'subject:ann' },
      { tenant: null, holder: 'subject:ann' },
    ];
    for (const owner of others) expect((await attach({ owner })).ids).toBe('a');
    expect(ann.ended).toBeUndefined();
    expect(roll.list(ANN, { limit: 10 })).toHaveLength(1);
    expect(roll.list(undefined, { limit: 10 })).toHaveLength(4);
  });

  it('that nobody used for seven days are gone, and those in use are not, however long', async () => {
    const idle = await attach({ name: 'idle' });
    idle.attachment.leave();
    await attach({ name: 'in-use' });
    await clock.advance(7 * DAY - 60_000);
    expect(roll.count).toBe(2);
    await clock.advance(120_000);
    await settled();
    expect(roll.list(undefined, { limit: 9 }).map(({ name }) => name)).toEqual(['in-use']);
  });

  it('may be kept for less: as long after a start of the hub as after the client has left', async () => {
    const { attachment } = await attach({ name: 'short', keptMs: 300_000 });
    attachment.leave();
    await clock.advance(299_000);
    expect(roll.count).toBe(1);
    await settled();
    await start();
    await clock.advance(299_000);
    expect(roll.count).toBe(1);
    await clock.advance(2_000);
    await settled();
    expect(roll.count).toBe(0);
  });

  it('have an hour to come back to a hub that was down for longer than that', async () => {
    const kept = (await attach()).attachment.consumer;
    store = new MemoryConsumers();
    await store.save([{ ...kept.stored, usedAt: clock.now() - 8 * DAY }]);
    await start();
    await clock.advance(3_500_000);
    expect(roll.count).toBe(1);
    await clock.advance(200_000);
    await settled();
    expect(roll.count).toBe(0);
  });

  it('are saved together, and not once for each entry', async () => {
    const clients = await Promise.all(['a', 'b', 'c'].map((name) => attach({ name })));
    await clock.advance(60);
    const before = store.saves;
    await publish('abcdefghij');
    const acknowledging = clients.flatMap((client) =>
      client.entries.map(({ id }) => client.attachment.ackThrough(client.cursor(id))),
    );
    expect(acknowledging).toHaveLength(30);
    await clock.advance(60);
    await Promise.all(acknowledging);
    expect(store.saves - before).toBe(1);
  });

  it('go on elsewhere when an operator says so, and end when one removes them', async () => {
    const client = await attach();
    await publish('abc');
    const kept = roll.find(client.attachment.consumer.id)!;
    await saved(roll.seek(kept, client.entries[0]!.position));
    expect(client.ended).toBe('sought');
    const second = await attach();
    expect(second.ids).toBe('bc');
    await roll.remove(kept);
    expect([second.ended, roll.count]).toEqual(['removed', 0]);
    await start();
    expect(roll.count).toBe(0);
  });

  it('of one owner are a thousand at most', async () => {
    await Promise.all(Array.from({ length: 1_000 }, (_each, nth) => attach({ name: String(nth) })));
    await expect(attach()).rejects.toMatchObject({ code: 'retry_later' });
    await attach({ owner: { ...ANN, holder: 'subject:bob' } });
  });
});
