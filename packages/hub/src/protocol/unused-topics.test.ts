import { TestClock } from '@websub/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { entryOf, FEED, KEEP_ALL, NOON, subscriptionOf, topicOf } from '../contract/samples.js';
import { MemoryLog } from '../contract/memory-log.js';
import type { Position } from '../log/log.js';
import { Recipient } from '../subscription/recipient.js';
import { Roll } from '../subscription/roll.js';
import { pinged } from '../topic/fetch-decision.js';
import type { Topic } from '../topic/topic.js';
import type { TopicRecord } from '../topic/topic-record.js';
import { TopicRecords } from './topic-records.js';
import { UnusedTopics } from './unused-topics.js';

const PENDING_FETCH = { id: 'f', attempts: 0, dueAt: NOON };

let clock: TestClock;
let log: MemoryLog;
let roll: Roll;
let stored: Map<string, TopicRecord>;
let beforeRemoval: () => void;
let records: TopicRecords;
let unused: UnusedTopics;
let isRead: (topic: string) => boolean;

beforeEach(() => {
  clock = new TestClock(NOON);
  log = new MemoryLog();
  roll = new Roll();
  stored = new Map();
  beforeRemoval = () => undefined;
  isRead = () => false;
  records = new TopicRecords({
    roll,
    registry: {
      saveTopic: (record) => {
        if ((stored.get(record.url)?.version ?? 0) !== record.version - 1) return Promise.resolve(false);
        stored.set(record.url, record);
        return Promise.resolve(true);
      },
      removeTopic: async ({ url, version }) => {
        // No store answers in the turn in which it is asked.
        await Promise.resolve();
        beforeRemoval();
        return stored.get(url)?.version === version && stored.delete(url);
      },
    },
    onChange: () => undefined,
  });
  unused = new UnusedTopics({ log, roll, records, clock, isRead: (topic) => isRead(topic) });
});

/** A topic that was used once. */
function known(record: Partial<TopicRecord> = {}): Topic {
  const topic = roll.topic(FEED);
  topic.record = topicOf(FEED, { version: 3, ...record });
  stored.set(FEED, topic.record);
  return topic;
}

function subscribe(): Recipient {
  const recipient = new Recipient(subscriptionOf('a'), roll.topic(FEED), 'subscriber.example:443');
  roll.add(recipient);
  return recipient;
}

async function publish(topic: Topic): Promise<Position> {
  const [appended] = await log.append([entryOf('a')]);
  return (topic.newest = appended!.position);
}

describe('a topic', () => {
  it('LAW 8: is forgotten when nobody uses it and nothing of it is kept', async () => {
    const topic = known({ policy: 'every' });
    const position = await publish(topic);
    topic.record = { ...topic.record, validators: { digest: 'd', position } };
    await log.trim({ ...KEEP_ALL, count: 0 }, NOON);
    expect(await unused.forget()).toBe(1);
    expect(stored.size).toBe(0);
    expect(roll.topics.size).toBe(0);
    expect(await unused.forget()).toBe(0);
  });

  it.each<[string, (topic: Topic) => unknown]>([
    ['somebody subscribes to it, confirmed or not', subscribe],
    ['somebody reads it', () => (isRead = (url) => url === FEED)],
    ['a fetch of it is under way', (topic) => (topic.fetching = true)],
    ['something of it is kept', publish],
  ])('stays while %s', async (_why, use) => {
    await use(known());
    expect(await unused.forget()).toBe(0);
    expect(stored.has(FEED)).toBe(true);
    expect(roll.topics.get(FEED)?.record.version).toBe(3);
  });

  it.each<[string, Partial<TopicRecord>]>([
    ['a publisher announced it', { registered: true }],
    ['its policy is latest', { policy: 'latest' }],
    ['its policy is unordered', { policy: 'unordered' }],
    ['a fetch of it is to be tried again', { fetch: PENDING_FETCH }],
  ])('stays while %s', async (_why, record) => {
    known(record);
    expect(await unused.forget()).toBe(0);
    expect(stored.has(FEED)).toBe(true);
  });

  it('stays when it is announced before its turn to go has come', async () => {
    known();
    const announced = records.setRegistered(FEED, true);
    expect(await unused.forget()).toBe(0);
    await announced;
    expect(stored.get(FEED)).toMatchObject({ version: 4, registered: true });
  });

  it('has the subscriber that comes while it is being forgotten, and begins anew with it', async () => {
    const topic = known();
    let recipient: Recipient | undefined;
    beforeRemoval = () => {
      recipient = subscribe();
    };
    expect(await unused.forget()).toBe(1);
    expect(roll.find(FEED, recipient!.subscription.callback)).toBe(recipient);
    expect(recipient?.topic).toBe(topic);
    await records.setPolicy(FEED, 'latest');
    expect(stored.get(FEED)).toMatchObject({ version: 1, policy: 'latest' });
    expect(topic.policy).toBe('latest');
  });

  it('LAW 1: keeps the fetch that was asked for while it is being forgotten', async () => {
    known();
    let ping: Promise<void> | undefined;
    beforeRemoval = () => {
      ping = records.change(FEED, (topic) =>
        records.save(topic, pinged(topic.record, { id: 'f' }, clock.now())),
      );
    };
    await unused.forget();
    await ping;
    expect(stored.get(FEED)).toMatchObject({ version: 1, fetch: PENDING_FETCH });
    expect(roll.topics.get(FEED)?.record).toEqual(stored.get(FEED));
  });

  it('stays when the store could not remove it', async () => {
    known();
    beforeRemoval = () => {
      throw new Error('no disk');
    };
    await expect(unused.forget()).rejects.toThrow('no disk');
    await records.setPolicy(FEED, 'latest');
    expect(stored.get(FEED)).toMatchObject({ version: 4, policy: 'latest' });
  });

  it('is not begun anew by who comes while its first record is being saved', async () => {
    const first = records.change(FEED, async (topic) => {
      roll.remove(subscribe());
      await records.save(topic, { ...topic.record, registered: true });
    });
    await first;
    subscribe();
    await records.setPolicy(FEED, 'latest');
    expect(stored.get(FEED)).toMatchObject({ version: 2, registered: true, policy: 'latest' });
  });
});

it('gives others their turn while it looks at many topics', async () => {
  for (let nth = 0; nth < 100; nth++) {
    const topic = roll.topic(`https://publisher.example/${nth}`);
    topic.record = topicOf(topic.url);
  }
  let reading = 0;
  const slow = new UnusedTopics({
    log,
    roll,
    records,
    clock: { monotonic: () => reading++ },
    isRead: () => true,
  });
  let turns = 0;
  let isOver = false;
  const others = (): void => {
    if (isOver) return;
    turns++;
    setImmediate(others);
  };
  setImmediate(others);
  await slow.forget();
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(10);
});
