import { describe, expect, it } from 'vitest';
import { check, type Rule } from './checker.js';
import type { HistoryEvent, How, Subscriptions } from './history.js';

const TOPIC = 'topic';
const SUBSCRIPTION = 'callback';
const subscriptions: Subscriptions = new Map([[SUBSCRIPTION, { topic: TOPIC }]]);
const UNORDERED: Subscriptions = new Map([[SUBSCRIPTION, { topic: TOPIC, unordered: true }]]);

/** Writes a history with events 10 ms apart. */
class Story {
  readonly events: HistoryEvent[] = [];
  #now = 0;
  #deliveries = 0;

  wait(ms: number): this {
    this.#now += ms;
    return this;
  }

  #tick(): number {
    return (this.#now += 10);
  }

  intent(
    mode: 'subscribe' | 'unsubscribe',
    steps: readonly ('asked' | 'accepted' | 'confirmed')[] = ['asked', 'accepted', 'confirmed'],
  ): this {
    for (const step of steps) {
      this.events.push({ kind: `intent-${step}`, at: this.#tick(), subscription: SUBSCRIPTION, mode });
    }
    return this;
  }

  publish(seq: number, outcome: 'accepted' | 'unknown' = 'accepted', how: How = 'content'): this {
    this.events.push({ kind: 'publish-asked', at: this.#tick(), topic: TOPIC, seq, how });
    if (outcome === 'accepted')
      this.events.push({ kind: 'publish-accepted', at: this.#tick(), topic: TOPIC, seq });
    return this;
  }

  deliver(
    seq: number,
    status = 204,
    more: { readonly topic?: string; readonly intact?: boolean; readonly id?: string } = {},
  ): this {
    const delivery = ++this.#deliveries;
    const { topic = TOPIC, intact = true, id = `id-${seq}` } = more;
    this.events.push({
      kind: 'received',
      at: this.#tick(),
      delivery,
      subscription: SUBSCRIPTION,
      topic,
      seq,
      id,
      intact,
    });
    if (status !== 0) this.events.push({ kind: 'answered', at: this.#tick(), delivery, status });
    return this;
  }

  kill(downMs = 100): this {
    this.events.push(
      { kind: 'killed', at: this.#tick() },
      { kind: 'exited', at: this.#tick(), status: 'SIGKILL' },
    );
    return this.wait(downMs).ready();
  }

  terminate(status: number): this {
    this.events.push({ kind: 'terminated', at: this.#tick() }, { kind: 'exited', at: this.#tick(), status });
    return this.ready();
  }

  ready(): this {
    this.events.push({ kind: 'ready', at: this.#tick() });
    return this;
  }

  exit(status: number): this {
    this.events.push({ kind: 'exited', at: this.#tick(), status });
    return this;
  }

  rules(of: Subscriptions = subscriptions): Rule[] {
    return check(this.events, of).map(({ rule }) => rule);
  }
}

function subscribed(): Story {
  return new Story().ready().intent('subscribe').wait(1_000);
}

describe('the checker accepts', () => {
  it('another order, where that was allowed', () => {
    expect(subscribed().publish(1).publish(2).deliver(2).deliver(1).rules(UNORDERED)).toEqual([]);
  });

  it('a run in which everything arrives once and in order', () => {
    expect(subscribed().publish(1).deliver(1).publish(2).deliver(2).rules()).toEqual([]);
  });

  it('a delivery that was tried again because it failed', () => {
    expect(subscribed().publish(1).deliver(1, 500).deliver(1, 0).deliver(1).rules()).toEqual([]);
  });

  it('an update without an answer, delivered never, once, or out of turn', () => {
    expect(subscribed().publish(1, 'unknown').publish(2).deliver(2).rules()).toEqual([]);
    expect(subscribed().publish(1, 'unknown').publish(2).deliver(2).deliver(1).rules()).toEqual([]);
  });

  it('a repeat of what was not saved when the hub was killed', () => {
    expect(subscribed().publish(1).deliver(1).kill().deliver(1).rules()).toEqual([]);
  });

  it('a repeat of what was answered to a hub that was dead already', () => {
    const story = subscribed().publish(1);
    story.deliver(1, 0).kill();
    story.events.push({ kind: 'answered', at: 1_200, delivery: 1, status: 204 });
    expect(story.deliver(1).rules()).toEqual([]);
  });

  it('what comes out of order again because it was delivered before the kill', () => {
    expect(
      subscribed().publish(1).publish(2).deliver(1).deliver(2).kill().deliver(1).deliver(2).rules(),
    ).toEqual([]);
  });

  it('pings of which several are one fetch', () => {
    expect(
      subscribed().publish(1, 'accepted', 'ping').publish(2, 'accepted', 'ping').deliver(2).rules(),
    ).toEqual([]);
  });

  it('what is published before the subscription, around its end, and after it, and is not delivered', () => {
    const story = new Story().ready().publish(1).intent('subscribe').wait(1_000).publish(2).deliver(2);
    expect(
      story
        .intent('unsubscribe', ['asked'])
        .publish(3)
        .intent('unsubscribe', ['confirmed'])
        .publish(4)
        .rules(),
    ).toEqual([]);
  });

  it('what was published just before the end was asked for, tried, and then given up', () => {
    expect(
      subscribed().publish(1).deliver(1, 500).intent('unsubscribe').wait(2_000).publish(2).rules(),
    ).toEqual([]);
  });

  it('a delivery that the hub began before the kill took effect, and its repeat', () => {
    const story = subscribed().publish(1);
    story.events.push({ kind: 'killed', at: 1_100 });
    story.wait(100).deliver(1).exit(9).ready();
    expect(story.deliver(1).rules()).toEqual([]);
  });

  it('a backlog that arrives right after the unsubscription was confirmed', () => {
    expect(subscribed().publish(1).intent('unsubscribe').wait(900).deliver(1).rules()).toEqual([]);
  });

  it('a verification that comes after a restart', () => {
    const story = new Story().ready().intent('subscribe', ['asked', 'accepted']).kill().wait(5_000);
    expect(story.intent('subscribe', ['confirmed']).wait(20_000).publish(1).deliver(1).rules()).toEqual([]);
  });

  it('a confirmation that the hub may not have read before it was killed, and then nothing', () => {
    expect(new Story().ready().intent('subscribe').kill().publish(1).rules()).toEqual([]);
  });

  it('a stop by SIGTERM with status 0', () => {
    expect(subscribed().publish(1).deliver(1).terminate(0).publish(2).deliver(2).rules()).toEqual([]);
  });
});

describe('the checker finds', () => {
  it('a lost update', () => {
    expect(subscribed().publish(1).publish(2).deliver(2).rules()).toEqual(['lost']);
  });

  it('an update lost long before the subscription ended', () => {
    expect(subscribed().publish(1).wait(5_000).intent('unsubscribe').rules()).toEqual(['lost']);
  });

  it('an update that was only tried, or answered with a failure', () => {
    expect(subscribed().publish(1).deliver(1, 500).rules()).toEqual(['lost']);
    expect(subscribed().publish(1).deliver(1, 0).rules()).toEqual(['lost']);
  });

  it('an update lost by a kill', () => {
    expect(subscribed().publish(1).kill().publish(2).deliver(2).rules()).toEqual(['lost']);
  });

  it('a lost ping: the newest version never came', () => {
    const story = subscribed().publish(1, 'accepted', 'ping').deliver(1).publish(2, 'accepted', 'ping');
    expect(story.rules()).toEqual(['lost']);
  });

  it('updates in the wrong order', () => {
    expect(subscribed().publish(1).publish(2).deliver(2).deliver(1).rules()).toEqual(['reordered']);
  });

  it('a loss, also where another order was allowed', () => {
    expect(subscribed().publish(1).publish(2).deliver(2).rules(UNORDERED)).toEqual(['lost']);
  });

  it('a repeat without a reason', () => {
    expect(subscribed().publish(1).deliver(1).deliver(1).rules()).toEqual(['duplicate']);
  });

  it('a repeat long after the first was answered, kill or not', () => {
    expect(subscribed().publish(1).deliver(1).wait(2_000).kill().deliver(1).rules()).toEqual(['duplicate']);
  });

  it('a repeat after a stop by SIGTERM', () => {
    expect(subscribed().publish(1).deliver(1).terminate(0).deliver(1).rules()).toEqual(['duplicate']);
  });

  it('a backlog that arrives late after the unsubscription', () => {
    expect(subscribed().publish(1).intent('unsubscribe').wait(2_000).deliver(1).rules()).toEqual(['late']);
  });

  it('a subscription that lives on after it was ended', () => {
    expect(subscribed().intent('unsubscribe').wait(2_000).publish(1).deliver(1).rules()).toEqual([
      'resurrected',
    ]);
  });

  it('a subscription that a kill brought back', () => {
    const story = subscribed().intent('unsubscribe').wait(1_000).kill().wait(1_000);
    expect(story.publish(1).deliver(1).rules()).toEqual(['resurrected']);
  });

  it('a 202 without a verification', () => {
    const story = new Story().ready().intent('subscribe', ['asked', 'accepted']).wait(60_000).ready();
    expect(story.rules()).toEqual(['broken-promise']);
    const killed = new Story().ready().intent('subscribe', ['asked', 'accepted']).kill().wait(60_000).ready();
    expect(killed.rules()).toEqual(['broken-promise']);
  });

  it('a delivery of what nobody published, or of another topic', () => {
    expect(subscribed().publish(1).deliver(1).deliver(7).rules()).toEqual(['phantom']);
    expect(subscribed().publish(1).deliver(1).deliver(1, 204, { topic: 'another', id: 'x' }).rules()).toEqual(
      ['phantom'],
    );
  });

  it('a delivery that was damaged', () => {
    expect(subscribed().publish(1).deliver(1, 204, { intact: false }).rules()).toEqual(['corrupt']);
  });

  it('a hub that ends by itself, stops with an error, or takes long to come back', () => {
    expect(subscribed().exit(1).rules()).toEqual(['self-death']);
    expect(subscribed().terminate(1).rules()).toEqual(['unclean-stop']);
    expect(subscribed().kill(5_000).rules()).toEqual(['slow-recovery']);
  });
});
