import { z } from 'zod';
import { ATTEMPTS_EACH } from '../../delivery/recent-attempts.js';
import { parseCursor } from '../../log/cursor.js';
import type { Log, Position } from '../../log/log.js';
import type { Operator } from '../../protocol/operator.js';
import type { Recipient } from '../../subscription/recipient.js';
import type { Registry } from '../../subscription/registry.js';
import type { Roll } from '../../subscription/roll.js';
import { SUBSCRIPTION_STATES, type Subscription } from '../../subscription/subscription.js';
import { operation, Problem, type Operation } from './operation.js';
import { answerPage, givenTime, once, only, pageOf, pageQuery } from './page.js';
import {
  attemptSchema,
  attemptView,
  subscriptionSchema,
  subscriptionView,
  type SubscriptionViewOptions,
} from './subscription-view.js';

export interface SubscriptionsOptions extends SubscriptionViewOptions {
  readonly log: Log;
  readonly registry: Registry;
  readonly roll: Roll;
  readonly operator: Operator;
}

const LONGEST_REASON = 200;

export const subscriptionPageSchema = pageOf(subscriptionSchema);
export const attemptListSchema = z.object({ items: z.array(attemptSchema) });

const listQuery = pageQuery.extend({
  topic: once('topic'),
  callback: once('callback'),
  state: z
    .enum(SUBSCRIPTION_STATES, `state is none of ${SUBSCRIPTION_STATES.join(', ')}: choose one`)
    .optional(),
});

const removeQuery = z.object({
  reason: z
    .string('reason is given more than once: send it once')
    .max(LONGEST_REASON, `reason is longer than ${LONGEST_REASON} characters: shorten it`)
    .regex(/^[^\p{Cc}]*$/u, 'reason holds control characters: leave them out')
    .default('the operator of this hub has ended the subscription')
    .describe('what the callback is told as hub.reason'),
});

export const replayBody = z
  .strictObject({
    cursor: z
      .string('cursor is not text: send a cursor as Hub-Cursor gives it')
      .optional()
      .describe('everything after it, as `Hub-Cursor` names it'),
    since: givenTime('since').optional().describe('everything published at this time or later'),
  })
  .refine(
    ({ cursor, since }) => (cursor === undefined) !== (since === undefined),
    'send one of {"cursor": …} and {"since": …}',
  );

/** What an operator sees of subscriptions, and does with them. */
export function subscriptionOperations(options: SubscriptionsOptions): readonly Operation[] {
  const { registry, roll, operator, recentAttempts, clock } = options;
  const common = { tag: 'subscriptions', problems: [404] } as const;
  const view = (recipient: Recipient): Promise<unknown> => subscriptionView(recipient, options);
  const viewStored = ({ topic, callback }: Subscription): Promise<unknown> | undefined => {
    const recipient = roll.find(topic, callback);
    return recipient === undefined ? undefined : view(recipient);
  };
  return [
    operation({
      ...common,
      method: 'get',
      path: '/subscriptions',
      id: 'listSubscriptions',
      summary: 'Subscriptions, by id',
      query: listQuery,
      answer: subscriptionPageSchema,
      problems: [],
      run: ({ query }) =>
        answerPage(
          query,
          (page) =>
            registry.listSubscriptions(
              { ...only(query, 'topic', 'callback', 'state'), now: clock.now() },
              page,
            ),
          viewStored,
          ({ id }) => id,
        ),
    }),
    operation({
      ...common,
      method: 'get',
      path: '/subscriptions/{id}',
      id: 'getSubscription',
      summary: 'One subscription',
      answer: subscriptionSchema,
      run: ({ id }) => withSubscription(operator, id, view),
    }),
    operation({
      ...common,
      method: 'delete',
      path: '/subscriptions/{id}',
      id: 'removeSubscription',
      summary: 'Ends a subscription at once; its callback is told hub.mode=denied with the reason',
      query: removeQuery,
      status: 204,
      run: ({ id, query }) =>
        withSubscription(operator, id, (recipient) => operator.remove(recipient, query.reason)),
    }),
    operation({
      ...common,
      method: 'get',
      path: '/subscriptions/{id}/deliveries',
      id: 'listDeliveries',
      summary: `The last ${ATTEMPTS_EACH} delivery attempts, newest first, as far as they are remembered`,
      answer: attemptListSchema,
      run: ({ id }) =>
        withSubscription(operator, id, () => ({
          items: recentAttempts.of(id).map(attemptView).toReversed(),
        })),
    }),
    operation({
      ...common,
      method: 'post',
      path: '/subscriptions/{id}/pause',
      id: 'pauseSubscription',
      summary: 'Keeps deliveries back; what is published meanwhile waits in the log',
      answer: subscriptionSchema,
      problems: [404, 409],
      run: ({ id }) =>
        whileInForce(operator, id, async (recipient) => {
          await operator.pause(recipient);
          return view(recipient);
        }),
    }),
    operation({
      ...common,
      method: 'post',
      path: '/subscriptions/{id}/resume',
      id: 'resumeSubscription',
      summary: 'Lets deliveries go on, with what was published meanwhile',
      answer: subscriptionSchema,
      problems: [404, 409],
      run: ({ id }) =>
        whileInForce(operator, id, async (recipient) => {
          await operator.resume(recipient);
          return view(recipient);
        }),
    }),
    operation({
      ...common,
      method: 'post',
      path: '/subscriptions/{id}/replay',
      id: 'replaySubscription',
      summary: 'Delivers again everything after a cursor, or since a time, in log order; new updates follow',
      body: replayBody,
      status: 202,
      answer: subscriptionSchema,
      problems: [404, 409],
      run: ({ id, body }) =>
        whileInForce(operator, id, async (recipient) => {
          const position = await placeOf(options, recipient, body);
          if (position === undefined)
            return new Problem(
              409,
              'the cursor is of another log: take one of this hub, or give {"since": …}',
            );
          await operator.replay(recipient, position);
          return view(recipient);
        }),
    }),
  ];
}

async function placeOf(
  { log }: SubscriptionsOptions,
  { topic }: Recipient,
  { cursor, since = 0 }: z.output<typeof replayBody>,
): Promise<Position | undefined> {
  return cursor === undefined ? log.before(topic.url, since) : parseCursor(log.epoch, cursor);
}

async function withSubscription(
  operator: Operator,
  id: string,
  action: (recipient: Recipient) => unknown,
): Promise<unknown> {
  const recipient = await operator.find({ id });
  return recipient === undefined
    ? new Problem(404, 'there is no subscription with this id: see /v1/subscriptions')
    : action(recipient);
}

function whileInForce(
  operator: Operator,
  id: string,
  action: (recipient: Recipient) => Promise<unknown>,
): Promise<unknown> {
  return withSubscription(operator, id, (recipient) =>
    recipient.subscription.lease === null
      ? new Problem(409, 'the subscription is not in force: wait until its callback has confirmed it')
      : action(recipient),
  );
}
