import type { Clock } from '@websub/shared';
import { z } from 'zod';
import type { Deliveries } from '../../delivery/deliveries.js';
import type { RecentAttempt, RecentAttempts } from '../../delivery/recent-attempts.js';
import { formatCursor } from '../../log/cursor.js';
import type { Log } from '../../log/log.js';
import type { Recipient } from '../../subscription/recipient.js';
import { NEVER, stateOf, SUBSCRIPTION_STATES } from '../../subscription/subscription.js';
import { isoTime, isoTimeOrNull, time } from './page.js';

export interface SubscriptionViewOptions {
  readonly log: Pick<Log, 'epoch' | 'behind'>;
  readonly deliveries: Pick<Deliveries, 'holdOf'>;
  readonly recentAttempts: Pick<RecentAttempts, 'of'>;
  readonly clock: Clock;
}

const MOST_COUNTED = 10_000;

export const attemptSchema = z.object({
  at: time.describe('when it was answered, or given up'),
  entry: z.string().describe('the update, as `Webhook-Id` names it'),
  attempt: z.int().describe('1 for the first'),
  outcome: z.enum(['delivered', 'failed']),
  status: z.int().nullable().describe('of the answer; null when none came'),
  detail: z.string().nullable().describe('how it failed'),
});

export const lagSchema = z.object({
  entries: z
    .int()
    .describe(`updates that it has not been given yet, or in vain, counted up to ${MOST_COUNTED}`),
  seconds: z.number().describe('age of the first of them; 0 when there is none'),
});

export const outcomeSchema = attemptSchema.pick({ at: true, outcome: true, status: true, detail: true });

export const subscriptionSchema = z.object({
  id: z.string(),
  topic: z.string(),
  callback: z.string(),
  tenant: z
    .string()
    .nullable()
    .describe('of the credential that it was asked for with; null when there was none'),
  state: z.enum(SUBSCRIPTION_STATES).describe('what is in force counts first'),
  lease_seconds: z.int().nullable().describe('null without a lease, and of one that has no end'),
  lease_ends_at: time.nullable(),
  signed: z.boolean().nullable().describe('deliveries bear X-Hub-Signature'),
  webhook_signature: z.boolean().nullable().describe('they bear Webhook-Signature too'),
  vouched: z.boolean().nullable().describe('a webhook that a publisher answers for, and that was not asked'),
  paused_at: time.nullable(),
  suspended_at: time.nullable(),
  pending: z
    .object({
      kind: z.enum(['subscribe', 'unsubscribe', 'denial']),
      attempts: z.int(),
      due_at: time,
      reason: z.string().nullable().describe('of a denial'),
    })
    .nullable()
    .describe('a request that the callback is asked about, or a denial that it is told of'),
  cursor: z
    .string()
    .describe(
      'its place: everything up to here is settled; with the policy unordered, some of what follows is, too',
    ),
  caught_up: z.boolean(),
  lag: lagSchema,
  failed_attempts: z.int().describe('at the update that comes next'),
  failing_since: time.nullable().describe('first failure since the last success'),
  last_outcome: outcomeSchema.nullable().describe('of the last attempt, as far as it is remembered'),
  next_attempt_at: time.nullable().describe('when something is tried again; null when nothing waits'),
});

export type SubscriptionView = z.input<typeof subscriptionSchema>;

/** A subscription as the API shows it. No secret is in it. */
export async function subscriptionView(
  recipient: Recipient,
  options: SubscriptionViewOptions,
): Promise<SubscriptionView> {
  // First, since an attempt may settle meanwhile: the rest is of one moment.
  const lag = await lagOf(recipient, options);
  const { subscription, failure } = recipient;
  const { id, topic, callback, lease, pending } = subscription;
  const { log, clock } = options;
  return {
    id,
    topic,
    callback,
    tenant: recipient.tenant,
    state: stateOf(subscription, clock.now()),
    lease_seconds: lease === null || lease.endsAt === NEVER ? null : lease.seconds,
    lease_ends_at: lease?.endsAt === NEVER ? null : isoTimeOrNull(lease?.endsAt),
    signed: lease === null ? null : lease.secret !== null,
    webhook_signature: lease === null ? null : lease.secret !== null && lease.webhookSignature === true,
    vouched: lease === null ? null : lease.vouched !== undefined,
    paused_at: isoTimeOrNull(lease?.pausedAt),
    suspended_at: isoTimeOrNull(lease?.suspendedAt),
    pending:
      pending === null
        ? null
        : {
            kind: pending.kind,
            attempts: pending.attempts,
            due_at: isoTime(pending.dueAt),
            reason: pending.kind === 'denial' ? pending.reason : null,
          },
    cursor: formatCursor(log.epoch, recipient.position),
    caught_up: recipient.isCaughtUp,
    lag,
    failed_attempts: recipient.window?.open[0]?.attempts ?? recipient.attempts,
    failing_since: isoTimeOrNull(failure?.since),
    last_outcome: lastOutcomeOf(recipient, options),
    next_attempt_at: isoTimeOrNull(nextAttemptAt(recipient, options)),
  };
}

async function lagOf(
  recipient: Recipient,
  { log, clock }: SubscriptionViewOptions,
): Promise<z.input<typeof lagSchema>> {
  if (recipient.subscription.lease === null || recipient.isCaughtUp) return { entries: 0, seconds: 0 };
  const { position, reach, window, topic } = recipient;
  const { entries, since } = await log.behind(topic.url, position, MOST_COUNTED);
  const seconds = since === null ? 0 : Math.max(0, clock.now() - since) / 1000;
  if (window === undefined) return { entries, seconds };
  const open = window.open.length;
  // Of what lies between its place and its reach, only what is open was not given.
  const beyond = await log.behind(topic.url, reach, MOST_COUNTED);
  return { entries: Math.min(open + beyond.entries, MOST_COUNTED), seconds };
}

function lastOutcomeOf(
  { subscription, failure }: Recipient,
  { recentAttempts }: SubscriptionViewOptions,
): z.input<typeof outcomeSchema> | null {
  const last = recentAttempts.of(subscription.id).at(-1);
  if (last !== undefined) {
    const { at, outcome, status, detail } = attemptView(last);
    return { at, outcome, status, detail };
  }
  if (failure === null) return null;
  const { at, status, detail } = failure;
  return { at: isoTime(at), outcome: 'failed', status: status === 0 ? null : status, detail };
}

function nextAttemptAt(recipient: Recipient, { deliveries, clock }: SubscriptionViewOptions): number | null {
  const now = clock.now();
  if (recipient.isCaughtUp || !recipient.isOpen(now)) return null;
  const holdMs = deliveries.holdOf(recipient.subscription.callback) ?? 0;
  const at = recipient.nextSending(now + holdMs);
  return at === Infinity ? null : at;
}

export function attemptView(attempt: RecentAttempt): z.input<typeof attemptSchema> {
  const { at, entry, delivered, status, detail } = attempt;
  return {
    at: isoTime(at),
    entry,
    attempt: attempt.attempt,
    outcome: delivered ? 'delivered' : 'failed',
    status: status === 0 ? null : status,
    detail,
  };
}
