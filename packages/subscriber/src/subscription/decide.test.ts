import { describe, expect, it } from 'vitest';
import { nextDue } from './change.js';
import { decide } from './decide.js';
import type { Decision, LifeEvent } from './life-event.js';
import { isWanted, receptionOf, type StoredSubscription } from './subscription.js';

const NOW = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

function subscription(over: Partial<StoredSubscription> = {}): StoredSubscription {
  return {
    id: 'abcdefghijklmnopqrstuvwx',
    version: 7,
    service: 'Feed',
    target: 'resource https://publisher.example/feed',
    origin: 'configured',
    hub: 'https://hub.example/',
    topic: 'https://publisher.example/feed',
    callback: 'https://me.example/abcdefghijklmnopqrstuvwx',
    state: 'pending',
    secrets: ['s3cret'],
    attempts: 0,
    ...over,
  };
}

const lease = { expiresAt: new Date(NOW + 10 * DAY) };
const waiting = { attempts: 1, retryAt: new Date(NOW + 300_000) };

/** Every combination of the two axes that a life can come to. */
const situations = {
  'pending/subscribe': subscription({ pending: 'subscribe', ...waiting }),
  'pending/unsubscribe': subscription({ pending: 'unsubscribe', ...waiting }),
  'pending/-': subscription({ replacedBy: 'successor', retryAt: new Date(NOW + 300_000) }),
  'active/-': subscription({ state: 'active', ...lease, renewAt: new Date(NOW + 8 * DAY) }),
  'active/subscribe': subscription({ state: 'active', pending: 'subscribe', ...lease, ...waiting }),
  'active/unsubscribe': subscription({ state: 'active', pending: 'unsubscribe', ...lease, ...waiting }),
  'expired/subscribe': subscription({ state: 'expired', pending: 'subscribe', ...waiting }),
  'expired/-': subscription({ state: 'expired', replacedBy: 'successor', retryAt: new Date(NOW + 300_000) }),
  'denied/-': subscription({ state: 'denied' }),
  'denied/- leased': subscription({ state: 'denied', ...lease }),
  'unsubscribed/-': subscription({ state: 'unsubscribed', retryAt: new Date(NOW + DAY) }),
} as const;

type Situation = keyof typeof situations;

const events = {
  'requested subscribe': { kind: 'requested', mode: 'subscribe' },
  'requested unsubscribe': { kind: 'requested', mode: 'unsubscribe' },
  'failed subscribe': { kind: 'failed', mode: 'subscribe' },
  'failed unsubscribe': { kind: 'failed', mode: 'unsubscribe' },
  'refused subscribe': { kind: 'refused', mode: 'subscribe', reason: 'no' },
  'refused unsubscribe': { kind: 'refused', mode: 'unsubscribe', reason: 'no' },
  'verified subscribe': { kind: 'verified', mode: 'subscribe', leaseSeconds: 864_000 },
  'verified unsubscribe': { kind: 'verified', mode: 'unsubscribe' },
  denied: { kind: 'denied', reason: 'closed' },
  declined: { kind: 'declined', reason: 'not today' },
  delivered: { kind: 'delivered', strong: true, timed: true },
  'given up': { kind: 'given-up' },
  replaced: { kind: 'replaced', by: 'other' },
  abandoned: { kind: 'abandoned' },
  'superseded at the hub': { kind: 'superseded', atHub: true },
  'superseded in place': { kind: 'superseded', atHub: false },
} as const satisfies Record<string, LifeEvent>;

type EventName = keyof typeof events;

/** `state/pending`, then the effects; `=` where nothing changes. */
function written(before: StoredSubscription, { subscription: after, effects }: Decision): string {
  const done = effects.map((effect) => {
    switch (effect.kind) {
      case 'send':
        return `send ${effect.mode}`;
      case 'tell':
        return `tell ${effect.what}`;
      case 'retire':
        return `retire ${effect.id}`;
      case 'stand-down':
        return `stand down for ${effect.id}`;
      case 'forget':
        return 'forget';
    }
  });
  const where = after === before ? '=' : `${after.state}/${after.pending ?? '-'}`;
  return [where, ...done].join(', ');
}

/** What becomes of every situation at every event. A row that is missing does not compile. */
const table: Readonly<Record<EventName, Readonly<Record<Situation, string>>>> = {
  'requested subscribe': {
    'pending/subscribe': 'pending/subscribe, send subscribe',
    'pending/unsubscribe': '=',
    'pending/-': 'pending/subscribe, send subscribe',
    'active/-': 'active/subscribe, send subscribe',
    'active/subscribe': 'active/subscribe, send subscribe',
    'active/unsubscribe': '=',
    'expired/subscribe': 'expired/subscribe, send subscribe',
    'expired/-': 'expired/subscribe, send subscribe',
    'denied/-': 'pending/subscribe, send subscribe',
    'denied/- leased': 'active/subscribe, send subscribe',
    'unsubscribed/-': '=',
  },
  'requested unsubscribe': {
    'pending/subscribe': 'pending/unsubscribe, send unsubscribe',
    'pending/unsubscribe': 'pending/unsubscribe, send unsubscribe',
    'pending/-': 'pending/unsubscribe, send unsubscribe',
    'active/-': 'active/unsubscribe, send unsubscribe',
    'active/subscribe': 'active/unsubscribe, send unsubscribe',
    'active/unsubscribe': 'active/unsubscribe, send unsubscribe',
    'expired/subscribe': 'unsubscribed/-, tell unsubscribed',
    'expired/-': 'unsubscribed/-',
    'denied/-': 'unsubscribed/-, tell unsubscribed',
    'denied/- leased': 'unsubscribed/-, tell unsubscribed',
    'unsubscribed/-': '=',
  },
  'failed subscribe': {
    'pending/subscribe': 'pending/subscribe',
    'pending/unsubscribe': '=',
    'pending/-': '=',
    'active/-': '=',
    'active/subscribe': 'active/subscribe',
    'active/unsubscribe': '=',
    'expired/subscribe': 'expired/subscribe',
    'expired/-': '=',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  'failed unsubscribe': {
    'pending/subscribe': '=',
    'pending/unsubscribe': 'pending/unsubscribe',
    'pending/-': '=',
    'active/-': '=',
    'active/subscribe': '=',
    'active/unsubscribe': 'active/unsubscribe',
    'expired/subscribe': '=',
    'expired/-': '=',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  'refused subscribe': {
    'pending/subscribe': 'denied/-, tell denied',
    'pending/unsubscribe': '=',
    'pending/-': '=',
    'active/-': '=',
    'active/subscribe': 'active/subscribe',
    'active/unsubscribe': '=',
    'expired/subscribe': 'expired/subscribe',
    'expired/-': '=',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  'refused unsubscribe': {
    'pending/subscribe': '=',
    'pending/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'pending/-': '=',
    'active/-': '=',
    'active/subscribe': '=',
    'active/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'expired/subscribe': '=',
    'expired/-': '=',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  'verified subscribe': {
    'pending/subscribe': 'active/-, tell verified',
    'pending/unsubscribe': '=',
    'pending/-': 'active/-, tell verified',
    'active/-': 'active/-, tell renewed',
    'active/subscribe': 'active/-, tell renewed',
    'active/unsubscribe': '=',
    'expired/subscribe': 'active/-, tell verified',
    'expired/-': 'active/-, tell verified',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  'verified unsubscribe': {
    'pending/subscribe': '=',
    'pending/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'pending/-': '=',
    'active/-': '=',
    'active/subscribe': '=',
    'active/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'expired/subscribe': '=',
    'expired/-': '=',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  denied: {
    'pending/subscribe': 'denied/-, tell denied',
    'pending/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'pending/-': 'denied/-, tell denied',
    'active/-': 'denied/-, tell denied',
    'active/subscribe': 'denied/-, tell denied',
    'active/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'expired/subscribe': 'denied/-, tell denied',
    'expired/-': 'denied/-, tell denied',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  declined: {
    'pending/subscribe': 'denied/-, tell denied',
    'pending/unsubscribe': '=',
    'pending/-': '=',
    'active/-': '=',
    'active/subscribe': 'active/-',
    'active/unsubscribe': '=',
    'expired/subscribe': 'denied/-, tell denied',
    'expired/-': '=',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  delivered: {
    'pending/subscribe': '=',
    'pending/unsubscribe': '=',
    'pending/-': '=',
    'active/-': 'active/-',
    'active/subscribe': 'active/subscribe',
    'active/unsubscribe': 'active/unsubscribe',
    'expired/subscribe': 'expired/subscribe',
    'expired/-': 'expired/-',
    'denied/-': '=',
    'denied/- leased': 'denied/-',
    'unsubscribed/-': '=',
  },
  'given up': {
    'pending/subscribe': 'unsubscribed/-, tell unsubscribed',
    'pending/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'pending/-': 'unsubscribed/-',
    'active/-': 'unsubscribed/-, tell unsubscribed',
    'active/subscribe': 'unsubscribed/-, tell unsubscribed',
    'active/unsubscribe': 'unsubscribed/-, tell unsubscribed',
    'expired/subscribe': 'unsubscribed/-, tell unsubscribed',
    'expired/-': 'unsubscribed/-',
    'denied/-': 'unsubscribed/-, tell unsubscribed',
    'denied/- leased': 'unsubscribed/-, tell unsubscribed',
    'unsubscribed/-': '=',
  },
  replaced: {
    'pending/subscribe': 'pending/-',
    'pending/unsubscribe': '=',
    'pending/-': 'pending/-',
    'active/-': 'active/-',
    'active/subscribe': 'active/-',
    'active/unsubscribe': '=',
    'expired/subscribe': 'expired/-',
    'expired/-': 'expired/-',
    'denied/-': '=',
    'denied/- leased': 'denied/-',
    'unsubscribed/-': '=',
  },
  abandoned: {
    'pending/subscribe': '=',
    'pending/unsubscribe': '=',
    'pending/-': 'pending/subscribe',
    'active/-': '=',
    'active/subscribe': '=',
    'active/unsubscribe': '=',
    'expired/subscribe': '=',
    'expired/-': 'expired/subscribe',
    'denied/-': '=',
    'denied/- leased': '=',
    'unsubscribed/-': '=',
  },
  'superseded at the hub': {
    'pending/subscribe': '=, forget',
    'pending/unsubscribe': '=, forget',
    'pending/-': '=, forget',
    'active/-': 'active/unsubscribe',
    'active/subscribe': 'active/unsubscribe',
    'active/unsubscribe': '=',
    'expired/subscribe': '=, forget',
    'expired/-': '=, forget',
    'denied/-': 'unsubscribed/-, tell unsubscribed',
    'denied/- leased': 'unsubscribed/-, tell unsubscribed',
    'unsubscribed/-': '=',
  },
  'superseded in place': {
    'pending/subscribe': '=, forget',
    'pending/unsubscribe': '=, forget',
    'pending/-': '=, forget',
    'active/-': '=, forget',
    'active/subscribe': '=, forget',
    'active/unsubscribe': '=, forget',
    'expired/subscribe': '=, forget',
    'expired/-': '=, forget',
    'denied/-': '=, forget',
    'denied/- leased': '=, forget',
    'unsubscribed/-': '=, forget',
  },
};

describe('the life of a subscription', () => {
  const rows = Object.entries(table).flatMap(([event, cells]) =>
    Object.entries(cells).map(([situation, outcome]) => [situation, event, outcome] as const),
  );

  it.each(rows)('takes %s at "%s" to %s', (situation, event, outcome) => {
    const before = situations[situation as Situation];
    expect(written(before, decide(before, events[event as EventName], NOW))).toBe(outcome);
  });

  it.each(rows)('raises the version of %s at "%s" only where something changes', (situation, event) => {
    const before = situations[situation as Situation];
    const { subscription: after } = decide(before, events[event as EventName], NOW);
    expect(after.version > before.version).toBe(after !== before);
  });
});

describe('the lease', () => {
  const active = situations['active/-'];

  it('counts from the verification, for as long as the hub grants', () => {
    const { subscription: after } = decide(
      subscription({ pending: 'subscribe' }),
      events['verified subscribe'],
      NOW,
    );
    expect(after.expiresAt).toEqual(new Date(NOW + 864_000_000));
  });

  it('is renewed after 72 to 80 % of its time', () => {
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const { subscription: after } = decide(subscription({ id }), events['verified subscribe'], NOW);
      const share = ((after.renewAt?.getTime() ?? 0) - NOW) / 864_000_000;
      expect(share).toBeGreaterThan(0.719);
      expect(share).toBeLessThanOrEqual(0.8);
    }
  });

  it('is taken to be what was asked for, or a day, when the hub names none', () => {
    const verified = { kind: 'verified', mode: 'subscribe' } as const;
    const asked = decide(subscription({ leaseSeconds: 3_600 }), verified, NOW).subscription;
    expect(asked.expiresAt).toEqual(new Date(NOW + 3_600_000));
    expect(decide(subscription(), verified, NOW).subscription.expiresAt).toEqual(new Date(NOW + DAY));
  });

  it('is renewed as if it were 14 days where it is longer', () => {
    const verified = { kind: 'verified', mode: 'subscribe', leaseSeconds: 365 * 86_400 } as const;
    const { subscription: after } = decide(subscription(), verified, NOW);
    expect(after.renewAt?.getTime()).toBeLessThanOrEqual(NOW + 14 * DAY * 0.8);
    expect(after.expiresAt).toEqual(new Date(NOW + 365 * DAY));
  });

  it.each([0, -1, Number.POSITIVE_INFINITY, 1e300])('survives a lease of %s seconds', (leaseSeconds) => {
    const { subscription: after } = decide(
      subscription(),
      { kind: 'verified', mode: 'subscribe', leaseSeconds },
      NOW,
    );
    expect(after.expiresAt?.getTime()).toBeGreaterThan(NOW);
    expect(after.dueAt?.getTime()).toBeGreaterThan(NOW);
  });

  it('LAW 5 goes on unchanged while its renewal is requested, fails and is refused', () => {
    let s: StoredSubscription = active;
    for (const name of ['requested subscribe', 'failed subscribe', 'refused subscribe'] as const) {
      s = decide(s, events[name], NOW + DAY).subscription;
      expect(s.state).toBe('active');
      expect(s.expiresAt).toEqual(active.expiresAt);
      expect(receptionOf(s, NOW + DAY)).toBe('take');
    }
  });

  it('S28 is asked for again when it is time, and several times before it ends', () => {
    let s: StoredSubscription = active;
    let sent = 0;
    for (
      let now = active.renewAt?.getTime() ?? 0;
      now < (active.expiresAt?.getTime() ?? 0);
      now = s.dueAt?.getTime() ?? 0
    ) {
      const decision = decide(s, { kind: 'due' }, now);
      sent += decision.effects.filter(({ kind }) => kind === 'send').length;
      s = decide(decision.subscription, events['failed subscribe'], now).subscription;
      expect(s.dueAt?.getTime()).toBeGreaterThan(now);
    }
    expect(sent).toBeGreaterThan(8);
  });

  it('ends as expired, and is asked for anew at once', () => {
    const decision = decide(active, { kind: 'due' }, NOW + 10 * DAY);
    expect(written(active, decision)).toBe('expired/subscribe, tell expired, send subscribe');
    expect(receptionOf(decision.subscription, NOW + 11 * DAY)).toBe('take');
  });

  it('ends as unsubscribed where that was asked for', () => {
    const given = situations['active/unsubscribe'];
    expect(written(given, decide(given, { kind: 'due' }, NOW + 10 * DAY))).toBe(
      'unsubscribed/-, tell unsubscribed',
    );
  });

  it('ends as expired where another subscription was to take over and is not verified', () => {
    const given = { ...situations['active/subscribe'], replacedBy: 'successor' };
    const decision = decide(given, { kind: 'due' }, NOW + 10 * DAY);
    expect(written(given, decision)).toBe('expired/subscribe, tell expired, send subscribe');
  });

  it('ends quietly where another subscription takes over', () => {
    const given = { ...active, replacedBy: 'successor' };
    expect(written(given, decide(given, { kind: 'due' }, NOW + 10 * DAY))).toBe('unsubscribed/-');
  });
});

describe('what is due', () => {
  it('is the first of retry, renewal and end of lease', () => {
    for (const given of Object.values(situations)) {
      const times = [given.retryAt, given.renewAt, given.state === 'active' ? given.expiresAt : undefined];
      const known = times.filter((at) => at !== undefined).map(Number);
      expect(nextDue(given)?.getTime()).toBe(known.length === 0 ? undefined : Math.min(...known));
    }
  });

  it('never stays due after it was attended to', () => {
    for (const given of Object.values(situations)) {
      const at = nextDue(given)?.getTime();
      if (at === undefined) continue;
      const { subscription: after, effects } = decide(given, { kind: 'due' }, at);
      const gone = effects.some(({ kind }) => kind === 'forget');
      expect(gone || (after.dueAt?.getTime() ?? Number.POSITIVE_INFINITY) > at).toBe(true);
    }
  });

  it('is nothing before its time', () => {
    for (const given of Object.values(situations)) {
      expect(decide(given, { kind: 'due' }, NOW).subscription).toBe(given);
    }
  });

  it('forgets an ended subscription after a day', () => {
    const given = situations['unsubscribed/-'];
    expect(decide(given, { kind: 'due' }, NOW + DAY).effects).toEqual([{ kind: 'forget' }]);
  });
});

describe('a denial', () => {
  it('S23 is taken for good', () => {
    expect(decide(situations['pending/subscribe'], events.denied, NOW).subscription.dueAt).toBeUndefined();
  });

  it('is asked about again after the time that the policy names', () => {
    const policy = { renewAt: 0.8, retryDeniedMs: 60_000 };
    const { subscription: after } = decide(situations['active/-'], events.denied, NOW, policy);
    expect(after.dueAt).toEqual(new Date(NOW + 60_000));
    const again = decide(after, { kind: 'due' }, NOW + 60_000, policy);
    expect(written(after, again)).toBe('active/subscribe, send subscribe');
  });

  it('leaves the lease in force, since anybody who knows the callback can send one', () => {
    const { subscription: after } = decide(situations['active/-'], events.denied, NOW);
    expect(receptionOf(after, NOW + 9 * DAY)).toBe('take');
    expect(receptionOf(after, NOW + 10 * DAY)).toBe('unknown');
  });
});

describe('a replacement', () => {
  it('retires the old subscription when the new one is verified', () => {
    const { effects } = decide(
      subscription({ pending: 'subscribe', replaces: 'old' }),
      events['verified subscribe'],
      NOW,
    );
    expect(effects).toEqual([
      { kind: 'tell', what: 'renewed' },
      { kind: 'retire', id: 'old' },
    ]);
  });

  it('goes on beside the old subscription for a minute, or a quarter of the lease that is left', () => {
    const given = situations['active/-'];
    for (const [at, overlap] of [
      [NOW, 60_000],
      [NOW + 10 * DAY - 40_000, 10_000],
    ] as const) {
      const { subscription: old } = decide(given, events['superseded at the hub'], at);
      expect(old.dueAt).toEqual(new Date(at + overlap));
      expect(receptionOf(old, at)).toBe('take');
      expect(written(old, decide(old, { kind: 'due' }, at + overlap))).toBe(
        'active/unsubscribe, send unsubscribe',
      );
    }
  });

  it('that is denied or refused leaves the old subscription to go on', () => {
    const given = subscription({ pending: 'subscribe', replaces: 'old' });
    for (const name of ['denied', 'refused subscribe'] as const) {
      expect(written(given, decide(given, events[name], NOW))).toBe('denied/-, stand down for old');
    }
  });

  it('that came to nothing has the old subscription renewed soon', () => {
    const { subscription: old } = decide(situations['active/subscribe'], events.replaced, NOW);
    const { subscription: again } = decide(old, events.abandoned, NOW);
    expect(again).toMatchObject({ pending: 'subscribe' });
    expect(again.dueAt?.getTime()).toBeLessThanOrEqual(NOW + 10_000);
    expect(again.replacedBy).toBeUndefined();
  });

  it('is offered to a hub that verified within ten seconds of being asked', () => {
    const asked = decide(subscription(), events['requested subscribe'], NOW).subscription;
    const verified = (at: number): StoredSubscription =>
      decide(asked, events['verified subscribe'], at).subscription;
    expect(verified(NOW + 10_000).verifiedPromptly).toBe(true);
    const slow = decide(verified(NOW), events['requested subscribe'], NOW + DAY).subscription;
    const late = decide(slow, events['verified subscribe'], NOW + DAY + 10_001).subscription;
    expect(late.verifiedPromptly).toBeUndefined();
    // What the hub asks by itself says nothing about that.
    expect(decide(late, events['verified subscribe'], NOW + 2 * DAY).subscription).not.toHaveProperty(
      'verifiedPromptly',
    );
  });

  it('lets the old subscription be renewed after all when it is not verified in time', () => {
    const { subscription: old } = decide(situations['active/subscribe'], events.replaced, NOW);
    expect(old.renewAt).toEqual(new Date(NOW + 5 * DAY));
    expect(written(old, decide(old, { kind: 'due' }, NOW + 5 * DAY))).toBe(
      'active/subscribe, send subscribe',
    );
  });
});

describe('an unsubscription', () => {
  it('is given up after eight failures where no lease would end by itself', () => {
    const given = subscription({ pending: 'unsubscribe', attempts: 8, retryAt: new Date(NOW) });
    expect(decide(given, events['failed unsubscribe'], NOW).subscription.state).toBe('unsubscribed');
  });
});

describe('an unsubscription that the hub refuses', () => {
  it('is remembered until the lease ends, so that whatever the hub still delivers is answered 410', () => {
    const given = subscription({
      state: 'active',
      pending: 'unsubscribe',
      replacedBy: 'another',
      expiresAt: new Date(NOW + 3 * DAY),
    });
    const { subscription: after } = decide(given, events['refused unsubscribe'], NOW);
    expect([after.state, after.retryAt]).toEqual(['unsubscribed', new Date(NOW + 3 * DAY)]);
  });
});

describe('a delivery', () => {
  it('S24 is not known before the subscription was verified', () => {
    expect(receptionOf(situations['pending/subscribe'], NOW)).toBe('unknown');
  });

  it('S35 tells the hub that the subscription is gone once it has ended', () => {
    expect(receptionOf(situations['unsubscribed/-'], NOW)).toBe('gone');
  });

  it('is written down at most once a second', () => {
    const first = decide(
      { ...situations['active/-'], strongSignature: true, timedSignature: true },
      events.delivered,
      NOW,
    ).subscription;
    expect(first.lastDeliveryAt).toEqual(new Date(NOW));
    expect(decide(first, events.delivered, NOW + 999).subscription).toBe(first);
    expect(decide(first, events.delivered, NOW + 1_000).subscription).not.toBe(first);
  });

  it.each([
    [{ strong: true, timed: false }, { strongSignature: true }],
    [{ strong: false, timed: true }, { timedSignature: true }],
  ] as const)('with signatures %o is remembered at once as %o', (signed, remembered) => {
    const first = decide(
      situations['active/-'],
      { kind: 'delivered', strong: false, timed: false },
      NOW,
    ).subscription;
    const second = decide(first, { kind: 'delivered', ...signed }, NOW + 1).subscription;
    expect(second).toMatchObject({ ...remembered, lastDeliveryAt: new Date(NOW + 1) });
  });
});

it('a subscription is wanted unless it is denied, ended or being ended', () => {
  const wanted = Object.entries(situations).filter(([, given]) => isWanted(given));
  expect(wanted.map(([name]) => name)).toEqual([
    'pending/subscribe',
    'pending/-',
    'active/-',
    'active/subscribe',
    'expired/subscribe',
    'expired/-',
  ]);
});
