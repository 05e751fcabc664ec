import type { Clock } from '@websub/shared';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { Deliveries } from '../delivery/deliveries.js';
import { formatCursor } from '../log/cursor.js';
import type { Log } from '../log/log.js';
import type { DeadLetter, Page, Registry } from '../subscription/registry.js';
import type { Roll } from '../subscription/roll.js';
import { stateOf, SUBSCRIPTION_STATES, type Subscription } from '../subscription/subscription.js';
import type { TopicRecord } from '../topic/topic-record.js';
import { bearsKey } from './credentials.js';
import { pathOf, sendProblem } from './problem.js';

export interface ManagementOptions {
  readonly registry: Registry;
  readonly roll: Roll;
  readonly log: Log;
  readonly deliveries: Deliveries;
  readonly clock: Clock;
  readonly dev: boolean;
  readonly adminKey: string | undefined;
}

const MOST_PER_PAGE = 1_000;

const pageQuery = z.object({
  limit: z.coerce
    .number()
    .int(`limit is not a whole number from 1 to ${MOST_PER_PAGE}`)
    .min(1, `limit is not a whole number from 1 to ${MOST_PER_PAGE}`)
    .max(MOST_PER_PAGE, `limit is not a whole number from 1 to ${MOST_PER_PAGE}`)
    .default(100),
  after: z.string('after is given more than once').optional(),
  topic: z.string('topic is given more than once').optional(),
  callback: z.string('callback is given more than once').optional(),
  subscription: z.string('subscription is given more than once').optional(),
  state: z.enum(SUBSCRIPTION_STATES, `state is none of ${SUBSCRIPTION_STATES.join(', ')}`).optional(),
});

type ListQuery = z.output<typeof pageQuery>;

/** `/v1/…`: what the hub knows, as JSON pages. Needs the admin key, except in development. */
export function managementRouter(options: ManagementOptions): Router {
  const { registry, roll, log, deliveries, clock } = options;
  const router = Router();
  router.use(requireAdmin(options));

  router.get(
    '/topics',
    list(
      (query, page) => registry.listTopics(only(query, 'topic'), page),
      (record) => ({ key: record.url, item: topicView(record, roll) }),
    ),
  );
  router.get(
    '/subscriptions',
    list(
      (query, page) =>
        registry.listSubscriptions({ ...only(query, 'topic', 'callback', 'state'), now: clock.now() }, page),
      (subscription) => ({ key: subscription.id, item: subscriptionView(subscription, options) }),
    ),
  );
  router.get(
    '/dead-letters',
    list(
      (query, page) => registry.listDeadLetters(only(query, 'topic', 'callback', 'subscription'), page),
      (letter) => ({ key: letter.id, item: deadLetterView(letter, log.epoch) }),
    ),
  );
  router.get('/stats', async (_request, response) => {
    response.json({
      topics: roll.topics.size,
      subscriptions: roll.recipientCount,
      dead_letters: await registry.countDeadLetters(),
      head: formatCursor(log.epoch, log.head()),
      deliveries: { waiting: deliveries.waiting, in_flight: deliveries.inFlight },
    });
  });
  router.use((request, response) => {
    sendProblem(
      response,
      404,
      `there is no ${request.method} ${pathOf(request)}: see the README for the API`,
    );
  });
  return router;
}

function requireAdmin({ dev, adminKey }: ManagementOptions): RequestHandler {
  return (request, response, next) => {
    if (dev || bearsKey(request, adminKey)) next();
    else if (adminKey === undefined) {
      sendProblem(
        response,
        403,
        'the management API is closed: start the hub with --admin-key, or with --dev',
      );
    } else {
      response.set('WWW-Authenticate', 'Bearer');
      const given = request.get('authorization') !== undefined;
      sendProblem(response, given ? 403 : 401, 'send Authorization: Bearer and the admin key');
    }
  };
}

/** Answers one page and where the next one begins; `next` is null on the last page. */
function list<Row>(
  read: (query: ListQuery, page: Page) => Promise<readonly Row[]>,
  view: (row: Row) => { readonly key: string; readonly item: unknown },
): RequestHandler {
  return async (request: Request, response: Response) => {
    const query = pageQuery.safeParse(request.query);
    if (!query.success) {
      sendProblem(response, 400, query.error.issues[0]?.message ?? 'the query is wrong');
      return;
    }
    const { limit, after } = query.data;
    const rows = await read(query.data, { limit: limit + 1, ...(after === undefined ? {} : { after }) });
    const views = rows.slice(0, limit).map(view);
    response.json({
      items: views.map(({ item }) => item),
      next: rows.length > limit ? (views.at(-1)?.key ?? null) : null,
    });
  };
}

/** The named parts of the query that are there. */
function only<Key extends keyof ListQuery>(
  query: ListQuery,
  ...keys: readonly Key[]
): { [K in Key]?: NonNullable<ListQuery[K]> } {
  return Object.fromEntries(keys.flatMap((key) => (query[key] === undefined ? [] : [[key, query[key]]]))) as {
    [K in Key]?: NonNullable<ListQuery[K]>;
  };
}

function topicView({ url, registered, fetch }: TopicRecord, roll: Roll): unknown {
  return {
    topic: url,
    registered,
    subscriptions: roll.topics.get(url)?.recipients.size ?? 0,
    pending_fetch: fetch === null ? null : { attempts: fetch.attempts, due_at: isoTime(fetch.dueAt) },
  };
}

function subscriptionView(subscription: Subscription, { roll, log, clock }: ManagementOptions): unknown {
  const { id, topic, callback, lease, pending } = subscription;
  const recipient = roll.find(topic, callback);
  return {
    id,
    topic,
    callback,
    state: stateOf(subscription, clock.now()),
    lease_seconds: lease?.seconds ?? null,
    lease_ends_at: lease === null ? null : isoTime(lease.endsAt),
    signed: lease === null ? null : lease.secret !== null,
    pending:
      pending === null
        ? null
        : { kind: pending.kind, attempts: pending.attempts, due_at: isoTime(pending.dueAt) },
    cursor: recipient === undefined ? null : formatCursor(log.epoch, recipient.position),
    caught_up: recipient === undefined ? null : recipient.position >= recipient.topic.newest,
    failed_attempts: recipient?.attempts ?? 0,
    next_attempt_at: recipient !== undefined && recipient.retryAt > 0 ? isoTime(recipient.retryAt) : null,
  };
}

function deadLetterView({ position, at, ...letter }: DeadLetter, epoch: string): unknown {
  return { ...letter, cursor: formatCursor(epoch, position), at: isoTime(at) };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
