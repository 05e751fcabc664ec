import { z } from 'zod';
import type { Registry } from '../../subscription/registry.js';
import type { Roll } from '../../subscription/roll.js';
import type { TopicRecord } from '../../topic/topic-record.js';
import { operation, type Operation } from './operation.js';
import { answerPage, isoTime, once, only, pageOf, pageQuery, time } from './page.js';

export interface TopicsOptions {
  readonly registry: Registry;
  readonly roll: Roll;
}

export const topicSchema = z.object({
  topic: z.string().describe('its URL'),
  registered: z.boolean().describe('announced by a publisher with hub.mode=register'),
  subscriptions: z.int().describe('pending ones included'),
  pending_fetch: z
    .object({ attempts: z.int(), due_at: time })
    .nullable()
    .describe('a fetch that a ping asked for and that has not succeeded yet'),
});
export const topicPageSchema = pageOf(topicSchema);

/** What the hub knows of topics. */
export function topicOperations({ registry, roll }: TopicsOptions): readonly Operation[] {
  return [
    operation({
      method: 'get',
      path: '/topics',
      id: 'listTopics',
      tag: 'topics',
      summary: 'Topics that are registered, subscribed to, or have an update in the log, by URL',
      query: pageQuery.extend({ topic: once('topic') }),
      answer: topicPageSchema,
      run: ({ query }) =>
        answerPage(
          query,
          (page) => registry.listTopics(only(query, 'topic'), page),
          (record) => topicView(record, roll),
          ({ url }) => url,
        ),
    }),
  ];
}

function topicView({ url, registered, fetch }: TopicRecord, roll: Roll): z.input<typeof topicSchema> {
  return {
    topic: url,
    registered,
    subscriptions: roll.topics.get(url)?.recipients.size ?? 0,
    pending_fetch: fetch === null ? null : { attempts: fetch.attempts, due_at: isoTime(fetch.dueAt) },
  };
}
