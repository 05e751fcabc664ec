import { z } from 'zod';
import type { Redeliveries } from '../../delivery/redeliveries.js';
import { formatCursor } from '../../log/cursor.js';
import type { Log } from '../../log/log.js';
import { DEAD_LETTER_REASONS, type DeadLetter, type Registry } from '../../subscription/registry.js';
import type { Roll } from '../../subscription/roll.js';
import { operation, Problem, type Operation } from './operation.js';
import {
  answerPage,
  givenTime,
  isoTime,
  isoTimeOrNull,
  once,
  only,
  pageOf,
  pageQuery,
  time,
} from './page.js';

export interface DeadLettersOptions {
  readonly registry: Registry;
  readonly roll: Roll;
  readonly log: Log;
  readonly redeliveries: Redeliveries;
}

export const deadLetterSchema = z.object({
  id: z.string(),
  subscription: z.string(),
  topic: z.string(),
  callback: z.string(),
  entry: z
    .string()
    .nullable()
    .describe('the update, as `Webhook-Id` names it; null when it is no longer known'),
  cursor: z.string().describe('its place in the log'),
  reason: z
    .enum(DEAD_LETTER_REASONS)
    .describe(
      'patience ran out; the subscription was suspended and a newer update went first; retention was faster; the stored update is damaged',
    ),
  detail: z.string().describe('how the last attempt failed'),
  attempts: z.int(),
  bytes: z.int().describe('of its body'),
  at: time.describe('when it was recorded; it is kept for 14 days'),
  redeliver_at: time.nullable().describe('since when it waits to be delivered again'),
});
export const deadLetterPageSchema = pageOf(deadLetterSchema);
export const redeliverySchema = z.object({
  letters: z.int().describe('asked for now; those that wait already are not counted'),
});

const listQuery = pageQuery.extend({
  topic: once('topic'),
  callback: once('callback'),
  subscription: once('subscription'),
  since: givenTime('since').optional(),
});

export const redeliverBody = z
  .strictObject({
    topic: z.string('topic is not text: send a URL').optional(),
    callback: z.string('callback is not text: send a URL').optional(),
    subscription: z.string('subscription is not text: send an id').optional(),
    since: givenTime('since').optional().describe('recorded at this time or later'),
  })
  .refine(
    (filter) => Object.values(filter).some((value) => value !== undefined),
    'nothing says which letters: name at least one of topic, callback, subscription and since',
  );

/** What was not delivered, and how it is delivered after all. */
export function deadLetterOperations(options: DeadLettersOptions): readonly Operation[] {
  const { registry, roll, log, redeliveries } = options;
  const tag = 'dead letters';
  return [
    operation({
      method: 'get',
      path: '/dead-letters',
      id: 'listDeadLetters',
      tag,
      summary: 'Updates that subscriptions were not given, by id',
      query: listQuery,
      answer: deadLetterPageSchema,
      run: ({ query }) =>
        answerPage(
          query,
          (page) => registry.listDeadLetters(only(query, 'topic', 'callback', 'subscription', 'since'), page),
          (letter) => deadLetterView(letter, log.epoch),
          ({ id }) => id,
        ),
    }),
    operation({
      method: 'post',
      path: '/dead-letters/redeliver',
      id: 'redeliverDeadLetters',
      tag,
      summary:
        'Delivers again all that match, once each, at most 100 a second, and to each subscription only while it is owed nothing newer',
      body: redeliverBody,
      status: 202,
      answer: redeliverySchema,
      run: async ({ body }) => ({
        letters: await redeliveries.ask(only(body, 'topic', 'callback', 'subscription', 'since')),
      }),
    }),
    operation({
      method: 'post',
      path: '/dead-letters/{id}/redeliver',
      id: 'redeliverDeadLetter',
      tag,
      summary: 'Delivers one again, once, with the same Webhook-Id',
      status: 202,
      answer: redeliverySchema,
      problems: [404, 409],
      run: async ({ id }) => {
        const letter = await registry.findDeadLetter(id);
        if (letter === undefined)
          return new Problem(404, 'there is no dead letter with this id: see /v1/dead-letters');
        if (roll.find(letter.topic, letter.callback)?.subscription.lease == null)
          return new Problem(409, 'the subscription has ended: let the subscriber subscribe again');
        if (letter.entry === null || (await log.find(letter.topic, letter.position)) === undefined)
          return new Problem(409, 'the update is no longer in the log: publish it again');
        return { letters: await redeliveries.ask({ id }) };
      },
    }),
  ];
}

function deadLetterView(letter: DeadLetter, epoch: string): z.input<typeof deadLetterSchema> {
  const { position, at, redeliverAt, ...rest } = letter;
  return {
    ...rest,
    cursor: formatCursor(epoch, position),
    at: isoTime(at),
    redeliver_at: isoTimeOrNull(redeliverAt),
  };
}
