import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Position } from '../log/log.js';
import { ASK_AGAIN_MS, decide, SUSPENDED_REASON, type SubscriptionEvent } from './decide.js';
import type { SealedSecret } from './sealed-secret.js';
import type { Lease, Pending, PendingSubscribe, Subscription } from './subscription.js';

const NOW = 1_000_000;
const HEAD = 7 as Position;

const LEASES = {
  none: null,
  active: { secret: 'old' as SealedSecret, seconds: 60, endsAt: NOW + 60_000, since: 3 as Position },
  over: { secret: 'old' as SealedSecret, seconds: 60, endsAt: NOW, since: 3 as Position },
  suspended: {
    secret: 'old' as SealedSecret,
    seconds: 60,
    endsAt: NOW + 60_000,
    since: 3 as Position,
    suspendedAt: NOW - 9,
  },
  'suspended over': {
    secret: 'old' as SealedSecret,
    seconds: 60,
    endsAt: NOW,
    since: 3 as Position,
    suspendedAt: NOW - 9,
  },
  paused: {
    secret: 'old' as SealedSecret,
    seconds: 60,
    endsAt: NOW + 60_000,
    since: 3 as Position,
    pausedAt: NOW - 9,
  },
  vouched: {
    secret: null,
    seconds: 60,
    endsAt: NOW + 60_000,
    since: 3 as Position,
    vouched: { authorization: 'header' as SealedSecret },
  },
} satisfies Record<string, Lease | null>;

const attempt = { request: 'r1', attempts: 0, dueAt: NOW };
const PENDINGS = {
  none: null,
  subscribe: {
    kind: 'subscribe',
    ...attempt,
    secret: 'new' as SealedSecret,
    leaseSeconds: 100,
    verifyToken: null,
    afterUnsubscribe: false,
  },
  unsubscribe: { kind: 'unsubscribe', ...attempt, verifyToken: null },
  denial: { kind: 'denial', ...attempt, reason: 'no' },
} satisfies Record<string, Pending | null>;

const EVENTS = {
  'subscribe-requested': {
    kind: 'subscribe-requested',
    request: 'r2',
    secret: null,
    leaseSeconds: 50,
    verifyToken: null,
  },
  'unsubscribe-requested': { kind: 'unsubscribe-requested', request: 'r2', verifyToken: null },
  'intent-confirmed': { kind: 'intent-confirmed', of: PENDINGS.subscribe, askedAt: NOW - 10, head: HEAD },
  'intent-refused': { kind: 'intent-refused', request: 'r1', detail: 'answered 404' },
  'intent-unanswered': { kind: 'intent-unanswered', request: 'r1', detail: 'timeout' },
  denied: { kind: 'denied', request: 'r1', reason: 'no' },
  'denial-told': { kind: 'denial-told', request: 'r1' },
  'denial-unanswered': { kind: 'denial-unanswered', request: 'r1' },
  forbidden: { kind: 'forbidden', request: 'r5', reason: 'no', lease: true, pending: true },
  'lease-ended': { kind: 'lease-ended', request: 'r3' },
  gone: { kind: 'gone' },
  suspended: { kind: 'suspended' },
  recovered: { kind: 'recovered' },
  paused: { kind: 'paused' },
  resumed: { kind: 'resumed' },
  rewound: { kind: 'rewound', since: 2 as Position },
  vouched: {
    kind: 'vouched',
    request: 'r6',
    vouched: { authorization: null },
    endsAt: NOW + 90_000,
    head: HEAD,
  },
  withdrawn: { kind: 'withdrawn' },
  removed: { kind: 'removed', request: 'r4', reason: 'removed' },
} satisfies Record<SubscriptionEvent['kind'], SubscriptionEvent>;

/** Events whose request is a new one, not the answer to the pending one. */
const namesNew = new Set<SubscriptionEvent['kind']>([
  'subscribe-requested',
  'unsubscribe-requested',
  'forbidden',
  'lease-ended',
  'vouched',
  'removed',
]);

type LeaseName = keyof typeof LEASES;
type PendingName = keyof typeof PENDINGS;
type State = `${LeaseName}/${PendingName}`;
/** The axes afterwards and the facts; `-` is the end of the subscription. */
type Outcome = '=' | `${string} ${string}`;

// A missing cell does not compile. '=' is "nothing changes"; a lease that is new is called 'fresh'.
const TABLE: Record<SubscriptionEvent['kind'], Record<State, Outcome>> = {
  'subscribe-requested': everywhere((lease) => `${lease}/subscribe []`),
  'unsubscribe-requested': everywhere((lease) => `${lease}/unsubscribe []`),
  'intent-confirmed': everywhere((lease, pending) => {
    if (pending === 'none') return '=';
    if (pending === 'unsubscribe') return '- [ended:unsubscribed]';
    const left = pending === 'denial' ? 'denial' : 'none';
    return isInForce(lease) ? `fresh/${left} [renewed]` : `fresh/${left} [activated]`;
  }),
  'intent-refused': everywhere((lease, pending) => {
    if (pending === 'none' || pending === 'denial') return '=';
    return lease === 'none'
      ? `- [verification-failed:${pending},ended:unverified]`
      : `${lease}/none [verification-failed:${pending}]`;
  }),
  'intent-unanswered': {
    ...everywhere((lease, pending) =>
      pending === 'subscribe' || pending === 'unsubscribe' ? `${lease}/${pending} []` : '=',
    ),
  },
  denied: everywhere((lease, pending) =>
    pending === 'subscribe' || pending === 'unsubscribe' ? `${lease}/denial [denied:no]` : '=',
  ),
  'denial-told': everywhere((lease, pending) =>
    pending !== 'denial' ? '=' : lease === 'none' ? '- [ended:denied]' : `${lease}/none []`,
  ),
  'denial-unanswered': everywhere((lease, pending) => (pending === 'denial' ? `${lease}/denial []` : '=')),
  forbidden: everywhere((lease, pending) => {
    if (lease === 'vouched' && pending === 'none') return '- [ended:denied]';
    if (pending === 'subscribe' || (lease !== 'none' && pending === 'none')) return 'none/denial [denied:no]';
    return lease === 'none' ? '=' : `none/${pending} []`;
  }),
  'lease-ended': everywhere((lease, pending) => {
    if (lease === 'none' || isInForce(lease)) return '=';
    if (pending !== 'none') return `none/${pending} []`;
    return lease === 'over' ? '- [ended:expired]' : `none/denial [denied:${SUSPENDED_REASON}]`;
  }),
  gone: everywhere((_lease, pending) => (pending === 'none' ? '- [ended:gone]' : `none/${pending} []`)),
  suspended: everywhere((lease, pending) =>
    lease === 'none' || lease.startsWith('suspended') ? '=' : `fresh/${pending} [suspended]`,
  ),
  recovered: everywhere((lease, pending) =>
    lease.startsWith('suspended') ? `fresh/${pending} [recovered]` : '=',
  ),
  paused: everywhere((lease, pending) =>
    lease === 'none' || lease === 'paused' ? '=' : `fresh/${pending} [paused]`,
  ),
  resumed: everywhere((lease, pending) => (lease === 'paused' ? `fresh/${pending} [resumed]` : '=')),
  rewound: everywhere((lease, pending) => (lease === 'none' ? '=' : `fresh/${pending} []`)),
  vouched: everywhere((lease, pending) =>
    isInForce(lease) ? `fresh/${pending} [renewed]` : `fresh/${pending} [activated]`,
  ),
  withdrawn: everywhere((lease, pending) => {
    if (lease !== 'vouched') return '=';
    return pending === 'none' ? '- [ended:unsubscribed]' : `none/${pending} []`;
  }),
  removed: everywhere((lease, pending) => {
    if (lease === 'vouched') return '- [ended:denied]';
    return lease === 'none' && pending === 'denial' ? '=' : 'none/denial [denied:removed]';
  }),
};

function isInForce(lease: LeaseName): boolean {
  return lease === 'active' || lease === 'suspended' || lease === 'paused' || lease === 'vouched';
}

function everywhere(cell: (lease: LeaseName, pending: PendingName) => Outcome): Record<State, Outcome> {
  const states = (Object.keys(LEASES) as LeaseName[]).flatMap((lease) =>
    (Object.keys(PENDINGS) as PendingName[]).map(
      (pending) => [`${lease}/${pending}`, cell(lease, pending)] as const,
    ),
  );
  return Object.fromEntries(states) as Record<State, Outcome>;
}

function subscriptionIn(state: State): Subscription {
  const [lease, pending] = state.split('/') as [LeaseName, PendingName];
  const common = { id: 's', topic: 'https://t.example/', callback: 'https://c.example/', version: 1 };
  return { ...common, lease: LEASES[lease], pending: PENDINGS[pending] };
}

/** As it happens to this one: confirmed is what is pending, or what a denial has replaced. */
function happeningTo({ pending }: Subscription, event: SubscriptionEvent): SubscriptionEvent {
  if (event.kind !== 'intent-confirmed') return event;
  const isIntent = pending !== null && pending.kind !== 'denial';
  return { ...event, of: isIntent ? pending : { ...event.of, request: 'r0' } };
}

/** The decision in the words of the table. */
function outcomeOf(state: State, anyEvent: SubscriptionEvent): Outcome {
  const before = subscriptionIn(state);
  const event = happeningTo(before, anyEvent);
  const { subscription, facts } = decide(before, event, NOW);
  if (subscription === before && facts.length === 0) return '=';
  const told = facts.map((fact) => {
    const detail = 'reason' in fact ? fact.reason : 'mode' in fact ? fact.mode : undefined;
    return detail === undefined ? fact.kind : `${fact.kind}:${detail}`;
  });
  if (subscription === null) return `- [${told.join(',')}]`;
  const lease = Object.entries(LEASES).find(([, known]) => known === subscription.lease)?.[0] ?? 'fresh';
  return `${lease}/${subscription.pending?.kind ?? 'none'} [${told.join(',')}]`;
}

describe('the life of a subscription', () => {
  for (const [kind, row] of Object.entries(TABLE)) {
    for (const [state, expected] of Object.entries(row)) {
      it(`${state} + ${kind} -> ${expected}`, () => {
        expect(outcomeOf(state as State, EVENTS[kind as SubscriptionEvent['kind']])).toBe(expected);
      });
    }
  }
});

describe('decide', () => {
  it('H34 counts the lease from the moment the verification was sent', () => {
    const { subscription } = decide(subscriptionIn('none/subscribe'), EVENTS['intent-confirmed'], NOW);
    expect(subscription?.lease?.endsAt).toBe(NOW - 10 + 100_000);
  });

  it('owes a new subscription everything published after its verification was sent', () => {
    const { subscription } = decide(subscriptionIn('none/subscribe'), EVENTS['intent-confirmed'], NOW);
    expect(subscription?.lease?.since).toBe(HEAD);
  });

  it('signs with the time for as long as renewals ask for that', () => {
    const renewedWith = (asked: { readonly webhookSignature?: true }): Lease | null | undefined => {
      const before = subscriptionIn('active/none');
      const requested = decide(before, { ...EVENTS['subscribe-requested'], ...asked }, NOW).subscription;
      const of = { ...PENDINGS.subscribe, ...requested?.pending } as PendingSubscribe;
      return decide(requested ?? before, { ...EVENTS['intent-confirmed'], of }, NOW).subscription?.lease;
    };
    expect(renewedWith({ webhookSignature: true })).toHaveProperty('webhookSignature', true);
    expect(renewedWith({})).not.toHaveProperty('webhookSignature');
  });

  it('LAW 5 keeps what a renewed subscription is owed, and replaces its secret and length', () => {
    const { subscription } = decide(subscriptionIn('active/subscribe'), EVENTS['intent-confirmed'], NOW);
    expect(subscription?.lease).toEqual({
      secret: 'new' as SealedSecret,
      seconds: 100,
      endsAt: NOW - 10 + 100_000,
      since: 3,
      request: 'r1',
    });
  });

  it('lets a renewal end a suspension, and leaves to the operator who paused it when deliveries go on', () => {
    const renewed = (state: State) =>
      decide(subscriptionIn(state), EVENTS['intent-confirmed'], NOW).subscription;
    expect(renewed('suspended/subscribe')?.lease).not.toHaveProperty('suspendedAt');
    expect(renewed('paused/subscribe')?.lease).toMatchObject({ pausedAt: NOW - 9 });
  });

  it('LAW 2 keeps what was owed when a callback is vouched for', () => {
    const { subscription } = decide(subscriptionIn('active/none'), EVENTS.vouched, NOW);
    expect(subscription?.lease).toEqual({
      secret: null,
      seconds: 90,
      endsAt: NOW + 90_000,
      since: 3,
      request: 'r6',
      vouched: { authorization: null },
    });
    const fresh = decide(subscriptionIn('none/none'), EVENTS.vouched, NOW).subscription;
    expect(fresh?.lease?.since).toBe(HEAD);
  });

  it('LAW 4 takes a confirmation of the callback itself for more than what somebody vouched', () => {
    const { subscription } = decide(subscriptionIn('vouched/subscribe'), EVENTS['intent-confirmed'], NOW);
    expect(subscription?.lease).not.toHaveProperty('vouched');
    expect(subscription?.lease).toMatchObject({ secret: 'new', since: 3 });
  });

  it('notes on a lease what happened and when, and keeps its terms', () => {
    const after = (state: State, kind: 'suspended' | 'recovered' | 'paused' | 'resumed' | 'rewound') =>
      decide(subscriptionIn(state), EVENTS[kind], NOW).subscription?.lease;
    expect(after('active/none', 'suspended')).toEqual({ ...LEASES.active, suspendedAt: NOW });
    expect(after('active/none', 'paused')).toEqual({ ...LEASES.active, pausedAt: NOW });
    expect(after('paused/none', 'suspended')).toEqual({ ...LEASES.paused, suspendedAt: NOW });
    expect(after('suspended/none', 'recovered')).toEqual(LEASES.active);
    expect(after('paused/none', 'resumed')).toEqual(LEASES.active);
    expect(after('active/none', 'rewound')).toEqual({ ...LEASES.active, since: 2 });
  });

  it('asks three times in all, 5 and 30 seconds apart, before it takes silence for a refusal', () => {
    let subscription: Subscription | null = subscriptionIn('none/subscribe');
    const waits: number[] = [];
    while (subscription?.pending) {
      subscription = decide(subscription, EVENTS['intent-unanswered'], NOW).subscription;
      if (subscription?.pending) waits.push(subscription.pending.dueAt - NOW);
    }
    expect(waits).toEqual([...ASK_AGAIN_MS]);
    expect(subscription).toBeNull();
  });

  it('LAW 5 never changes the terms by anything but a confirmation, who vouches, the end of the lease or of the right to it, 410 or an operator', () => {
    const states = fc.constantFrom(...(Object.keys(TABLE.gone) as State[]));
    const events = fc.constantFrom(...Object.values(EVENTS));
    const changing = new Set<SubscriptionEvent['kind']>([
      'intent-confirmed',
      'forbidden',
      'lease-ended',
      'gone',
      'rewound',
      'vouched',
      'withdrawn',
      'removed',
    ]);
    fc.assert(
      fc.property(states, events, fc.constantFrom('r1', 'r0'), (state, event, request) => {
        const before = subscriptionIn(state);
        const told = 'request' in event && !namesNew.has(event.kind) ? { ...event, request } : event;
        const { subscription } = decide(before, told as SubscriptionEvent, NOW);
        if (changing.has(event.kind) || before.lease === null) return;
        const { secret, seconds, endsAt, since } = before.lease;
        expect(subscription?.lease).toMatchObject({ secret, seconds, endsAt, since });
      }),
    );
  });

  it('LAW 4 ends what is in force when the confirmed unsubscription was replaced meanwhile, and keeps the newer request', () => {
    const { subscription, facts } = decide(
      subscriptionIn('active/subscribe'),
      { ...EVENTS['intent-confirmed'], of: { ...PENDINGS.unsubscribe, request: 'older' } },
      NOW,
    );
    expect(subscription).toMatchObject({ lease: null, pending: PENDINGS.subscribe });
    expect(facts).toEqual([]);
  });

  it('H19 takes the terms of a confirmed request that was replaced meanwhile', () => {
    const { subscription } = decide(
      subscriptionIn('active/subscribe'),
      {
        ...EVENTS['intent-confirmed'],
        of: { ...PENDINGS.subscribe, request: 'older', secret: 'older' as SealedSecret },
      },
      NOW,
    );
    expect(subscription).toMatchObject({ lease: { secret: 'older' }, pending: PENDINGS.subscribe });
  });

  it('LAW 4 remembers that a request replaced an unsubscription which was never settled', () => {
    const subscribe = EVENTS['subscribe-requested'];
    const once = decide(subscriptionIn('active/unsubscribe'), subscribe, NOW).subscription;
    expect(once?.pending).toMatchObject({ afterUnsubscribe: true });
    const twice = decide(once ?? subscriptionIn('none/none'), subscribe, NOW).subscription;
    expect(twice?.pending).toMatchObject({ afterUnsubscribe: true });
    const fresh = decide(subscriptionIn('active/subscribe'), subscribe, NOW).subscription;
    expect(fresh?.pending).toMatchObject({ afterUnsubscribe: false });
  });

  it('ignores every other answer to a request that was replaced', () => {
    for (const event of Object.values(EVENTS)) {
      if (!('request' in event) || namesNew.has(event.kind)) continue;
      const before = subscriptionIn('active/subscribe');
      expect(decide(before, { ...event, request: 'older' }, NOW)).toEqual({
        subscription: before,
        facts: [],
      });
    }
  });

  it('LAW 4 does not bring back what an operator ended, though its confirmation was on its way', () => {
    const removed = decide(subscriptionIn('active/subscribe'), EVENTS.removed, NOW).subscription;
    if (removed === null) throw new Error('it is told first');
    expect(decide(removed, EVENTS['intent-confirmed'], NOW)).toEqual({ subscription: removed, facts: [] });
  });

  it("ends only what is forbidden: a renewal in somebody else's name goes on, and so does what is in force", () => {
    const before = subscriptionIn('active/subscribe');
    expect(decide(before, { ...EVENTS.forbidden, pending: false }, NOW)).toEqual({
      subscription: { ...before, lease: null },
      facts: [],
    });
    const { subscription } = decide(before, { ...EVENTS.forbidden, lease: false }, NOW);
    expect(subscription?.lease).toBe(before.lease);
    expect(subscription?.pending?.kind).toBe('denial');
  });

  it('keeps in whose name a subscription was asked for as long as it lasts', () => {
    const principal = { kind: 'key', id: 'k1', tenant: 'acme' } as const;
    const asked = decide(subscriptionIn('none/none'), { ...EVENTS['subscribe-requested'], principal }, NOW);
    expect(asked.subscription?.pending).toMatchObject({ principal });
    const of = { ...PENDINGS.subscribe, principal };
    const confirmed = decide(subscriptionIn('none/subscribe'), { ...EVENTS['intent-confirmed'], of }, NOW);
    expect(confirmed.subscription?.lease).toMatchObject({ principal });
  });

  it('leaves the version to whoever saves', () => {
    expect(
      decide(subscriptionIn('none/none'), EVENTS['subscribe-requested'], NOW).subscription?.version,
    ).toBe(1);
  });
});
