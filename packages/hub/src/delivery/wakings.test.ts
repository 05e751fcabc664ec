import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { BEFORE_ALL } from '../log/log.js';
import { Recipient } from '../subscription/recipient.js';
import { Roll } from '../subscription/roll.js';
import type { Topic } from '../topic/topic.js';
import { Wakings } from './wakings.js';

/** Each look at the clock takes a quarter of a slice. */
class SlowClock extends TestClock {
  #looks = 0;

  override monotonic(): number {
    return (this.#looks += 0.25);
  }
}

function setting() {
  const roll = new Roll();
  const woken: string[] = [];
  /** How many had been woken at the end of each slice. */
  const slices: number[] = [];
  const wakings = new Wakings({
    clock: new SlowClock(),
    wake: ({ subscription }) => woken.push(subscription.callback),
    onSome: () => slices.push(woken.length),
  });
  const topicOf = (url: string, recipients: number): Topic => {
    const topic = roll.topic(url);
    const lease = { secret: null, seconds: 1, endsAt: Infinity, since: BEFORE_ALL };
    for (let n = 0; n < recipients; n++) {
      const callback = `${url} ${n}`;
      const subscription = { id: callback, topic: url, callback, version: 1, lease, pending: null };
      roll.add(new Recipient(subscription, topic, 'host'));
    }
    return topic;
  };
  return { woken, slices, wakings, topicOf };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function turns(enough: () => boolean): Promise<void> {
  while (!enough()) await turn();
}

describe('the recipients of a topic with a new entry', () => {
  it('are woken after what is ready in this turn, in slices, each once', async () => {
    const { woken, slices, wakings, topicOf } = setting();
    wakings.add(topicOf('large', 1_000));
    await Promise.resolve();
    expect(woken).toEqual([]);
    await turn();
    expect(slices).toEqual([320]);
    await turns(() => woken.length >= 1_000);
    await turn();
    expect(slices).toEqual([320, 640, 960, 1_000]);
    expect(new Set(woken).size).toBe(1_000);
  });

  it('do not wait for those of another topic, however many', async () => {
    const { woken, wakings, topicOf } = setting();
    wakings.add(topicOf('large', 1_000));
    wakings.add(topicOf('small', 1));
    await turn();
    expect(woken).toContain('small 0');
  });

  it('are woken again when a further entry comes meanwhile, those included that were passed over', async () => {
    const { woken, wakings, topicOf } = setting();
    const topic = topicOf('large', 1_000);
    wakings.add(topic);
    await turn();
    wakings.add(topic);
    wakings.add(topic);
    await turns(() => woken.length >= 2_000);
    await turn();
    expect(woken).toHaveLength(2_000);
    expect(woken.filter((each) => each === 'large 0')).toHaveLength(2);
  });

  it('are left alone once it was stopped', async () => {
    const { woken, wakings, topicOf } = setting();
    wakings.add(topicOf('large', 1_000));
    await turn();
    wakings.stop();
    await turn();
    await turn();
    expect(woken).toHaveLength(320);
  });
});
