import { parseWebUrl } from '@websub/shared';
import { z } from 'zod';
import type { TopicRecords } from '../../protocol/topic-records.js';
import type { Registry } from '../../subscription/registry.js';
import type { Roll } from '../../subscription/roll.js';
import { newTopicRecord, TOPIC_POLICIES, type TopicRecord } from '../../topic/topic-record.js';
import { operation, type Operation } from './operation.js';
import { answerPage, isoTime, once, only, pageOf, pageQuery, time } from './page.js';

export interface TopicsOptions {
  readonly registry: Registry;
  readonly roll: Roll;
  readonly records: Pick<TopicRecords, 'setPolicy'>;
}

export const topicSchema = z.object({
  topic: z.string().describe('its URL'),
  registered: z.boolean().describe('announced by a publisher with hub.mode=register'),
  policy: z
    .enum(TOPIC_POLICIES)
    .describe(
      'what callbacks are given: every update in order, the latest only when they are late, or every update unordered, up to 32 at a time',
    ),
  subscriptions: z.int().describe('pending ones included'),
  pending_fetch: z
    .object({ attempts: z.int(), due_at: time })
    .nullable()
    .describe('a fetch that a ping asked for and that has not succeeded yet'),
});
export const topicPageSchema = pageOf(topicSchema);
export const policyBody = z.strictObject({
  policy: z.enum(TOPIC_POLICIES, `policy is none of ${TOPIC_POLICIES.join(', ')}: send {"policy":"latest"}`),
});

/** What the hub knows of topics. */
export function topicOperations({ registry, roll, records }: TopicsOptions): readonly Operation[] {
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
    operation({
      method: 'put',
      path: '/topics/{id}/policy',
      id: 'setTopicPolicy',
      tag: 'topics',
      summary:
        'Sets what callbacks of a topic are given, and in which order; the id is the URL of the topic, encoded',
      body: policyBody,
      answer: topicSchema,
      run: async ({ id, body }) => {
        parseWebUrl(id, 'the topic');
        await records.setPolicy(id, body.policy);
        return topicView(roll.topics.get(id)?.record ?? newTopicRecord(id), roll);
      },
    }),
  ];
}

function topicView(
  { url, registered, policy = 'every', fetch }: TopicRecord,
  roll: Roll,
): z.input<typeof topicSchema> {
  return {
    topic: url,
    registered,
    policy,
    subscriptions: roll.topics.get(url)?.recipients.size ?? 0,
    pending_fetch: fetch === null ? null : { attempts: fetch.attempts, due_at: isoTime(fetch.dueAt) },
  };
}
