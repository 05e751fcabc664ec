import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { MemoryLog } from '../contract/memory-log.js';
import { HotTail } from '../log/hot-tail.js';
import { BEFORE_ALL, type NewEntry, type Position } from '../log/log.js';
import { Recipient } from '../subscription/recipient.js';
import { Roll } from '../subscription/roll.js';
import { Lag } from './lag.js';

const HOUR = 3_600_000;

function setting(hotBytes?: number) {
  const clock = new TestClock();
  const stored = new MemoryLog();
  const log = new HotTail(stored, hotBytes === undefined ? {} : { hotBytes });
  const roll = new Roll();
  const publish = async (topic: string): Promise<Position> => {
    const entry: NewEntry = {
      topic,
      id: `${clock.now()}`,
      idempotent: false,
      content: { body: Buffer.from('body'), contentType: 'text/plain' },
      headers: {},
      publishedAt: clock.now(),
    };
    const [appended] = await log.append([entry]);
    return (roll.topic(topic).newest = appended!.position);
  };
  const subscribe = (topic: string, callback: string, leaseMs = 24 * HOUR): Recipient => {
    const lease = { secret: null, seconds: 1, endsAt: clock.now() + leaseMs, since: BEFORE_ALL };
    const recipient = new Recipient(
      { id: callback, topic, callback, version: 1, lease, pending: null },
      roll.topic(topic),
      'host',
    );
    roll.add(recipient);
    return recipient;
  };
  return { clock, stored, roll, publish, subscribe, lag: new Lag({ roll, log, clock }) };
}

describe('the lag', () => {
  it('is nothing where nobody is owed anything', async () => {
    const { publish, subscribe, lag } = setting();
    subscribe('quiet', 'a');
    await publish('unheard');
    subscribe('told', 'b').position = await publish('told');
    expect(await lag.measure()).toEqual({ recipientsBehind: 0, oldestMs: 0 });
  });

  it('counts who is behind, and is as old as the oldest entry that one of them is owed', async () => {
    const { clock, publish, subscribe, lag } = setting();
    const first = await publish('x');
    await clock.advance(2 * HOUR);
    await publish('x');
    await publish('y');
    await clock.advance(HOUR);
    subscribe('x', 'a').position = first;
    subscribe('y', 'b');
    subscribe('y', 'c');
    expect(await lag.measure()).toEqual({ recipientsBehind: 3, oldestMs: HOUR });
    subscribe('x', 'd');
    await clock.advance(1_000);
    expect(await lag.measure()).toEqual({ recipientsBehind: 4, oldestMs: 3 * HOUR + 1_000 });
  });

  it('leaves out who has no lease', async () => {
    const { clock, publish, subscribe, lag } = setting();
    await publish('x');
    subscribe('x', 'a', HOUR);
    await clock.advance(HOUR);
    expect(await lag.measure()).toEqual({ recipientsBehind: 0, oldestMs: 0 });
  });

  it('asks the store once about an entry that is no longer in memory', async () => {
    const { clock, stored, publish, subscribe, lag } = setting(0);
    subscribe('x', 'a');
    await publish('x');
    for (let n = 0; n < 10; n++) await publish('y');
    await clock.advance(HOUR);
    expect(await lag.measure()).toEqual({ recipientsBehind: 1, oldestMs: HOUR });
    const { reads } = stored;
    await clock.advance(HOUR);
    expect(await lag.measure()).toEqual({ recipientsBehind: 1, oldestMs: 2 * HOUR });
    expect(stored.reads).toBe(reads);
  });

  it('is measured once for all who ask within a second', async () => {
    const { clock, publish, subscribe, lag } = setting();
    subscribe('x', 'a');
    const first = lag.measure();
    await publish('x');
    await clock.advance(999);
    expect(lag.measure()).toBe(first);
    await clock.advance(1);
    expect((await lag.measure()).recipientsBehind).toBe(1);
  });
});
