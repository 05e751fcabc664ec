import { z } from 'zod';
import { may } from '../../access/grant.js';
import { MOST_COUNTED } from '../../bridge/behind.js';
import type { Bridge } from '../../bridge/bridge.js';
import type { KeptConsumer } from '../../bridge/kept-consumer.js';
import { cursorOf } from '../../bridge/locate.js';
import { isWithin, ownerOf, type Owner } from '../../consumer/consumer.js';
import { parseCursor } from '../../log/cursor.js';
import type { Position } from '../../log/log.js';
import { refusalOf, type Admit } from '../entrance.js';
import { operation, Problem, type Operation } from './operation.js';
import { answerPage, givenTime, isoTime, isoTimeOrNull, pageOf, pageQuery, time } from './page.js';

export interface ConsumersOptions {
  readonly admit: Admit;
  readonly bridge: Bridge;
  readonly consumerExpiryMs: number;
}

export const consumerSchema = z.object({
  id: z.string(),
  name: z.string(),
  tenant: z.string().nullable(),
  holder: z.string().describe('who in the tenant; empty for the tenant as a whole'),
  topics: z.array(z.string()).describe('what it followed when it was used last'),
  patterns: z.array(z.string()),
  cursor: z.string().describe('everything up to here is acknowledged, but what is open'),
  lag: z
    .object({
      entries: z
        .int()
        .describe(`updates of its topics behind the cursor, filters aside; ${MOST_COUNTED} at most`),
      bytes: z.int(),
      since: time.nullable().describe('when the first of them was published'),
    })
    .nullable()
    .describe('null when it follows more topics than are remembered'),
  unacknowledged: z.int().describe('updates that were given and not acknowledged'),
  in_use: z.boolean(),
  created_at: time,
  used_at: time,
  expires_at: time
    .nullable()
    .describe('when it is removed unless somebody uses it; null while somebody does'),
});
export const consumerPageSchema = pageOf(consumerSchema);

export const seekBody = z
  .strictObject({
    cursor: z.string('cursor is not text').optional().describe('goes on after it'),
    since: givenTime('since').optional().describe('goes on with what was published at this time or later'),
  })
  .refine(
    ({ cursor, since }) => (cursor === undefined) !== (since === undefined),
    'send one of {"cursor": …} and {"since": …}',
  );

type Allowed = { readonly owner: Owner | undefined };

/** Readers whose place the hub keeps. Who manages sees all of them; others see their own. */
export function consumerOperations(options: ConsumersOptions): readonly Operation[] {
  const { bridge, admit } = options;
  const common = { tag: 'consumers', forManagers: false, problems: [401, 403, 404] } as const;
  const view = (consumer: KeptConsumer): Promise<unknown> => consumerView(options, consumer);

  /** Whose consumers whoever asks may see; `owner` is undefined for everybody's. */
  const whoAsks = async (request: Parameters<Admit>[0]): Promise<Allowed | Problem> => {
    const entrance = await admit(request);
    if (may(entrance.grant, 'manage')) return { owner: undefined };
    const owner = ownerOf(entrance.grant.principal, undefined);
    return owner === undefined ? Problem.of(refusalOf(entrance, 'the list of consumers')) : { owner };
  };
  const withConsumer = async (
    request: Parameters<Admit>[0],
    id: string,
    action: (consumer: KeptConsumer) => Promise<unknown>,
  ): Promise<unknown> => {
    const asks = await whoAsks(request);
    if (asks instanceof Problem) return asks;
    const consumer = bridge.consumers.find(id);
    return consumer === undefined || (asks.owner !== undefined && !isWithin(consumer.owner, asks.owner))
      ? new Problem(404, 'there is no consumer of yours with this id: see /v1/consumers')
      : action(consumer);
  };

  return [
    operation({
      ...common,
      method: 'get',
      path: '/consumers',
      id: 'listConsumers',
      summary: 'Named consumers, by id',
      query: pageQuery,
      answer: consumerPageSchema,
      problems: [401, 403],
      run: async ({ query, request }) => {
        const asks = await whoAsks(request);
        if (asks instanceof Problem) return asks;
        return answerPage(
          query,
          (page) => Promise.resolve(bridge.consumers.list(asks.owner, page)),
          view,
          ({ id }) => id,
        );
      },
    }),
    operation({
      ...common,
      method: 'get',
      path: '/consumers/{id}',
      id: 'getConsumer',
      summary: 'One consumer, with how far behind it is',
      answer: consumerSchema,
      run: ({ id, request }) => withConsumer(request, id, view),
    }),
    operation({
      ...common,
      method: 'delete',
      path: '/consumers/{id}',
      id: 'removeConsumer',
      summary: 'Removes a consumer; whoever reads with it is ended',
      status: 204,
      run: ({ id, request }) => withConsumer(request, id, (consumer) => bridge.consumers.remove(consumer)),
    }),
    operation({
      ...common,
      method: 'post',
      path: '/consumers/{id}/seek',
      id: 'seekConsumer',
      summary: 'Lets a consumer go on elsewhere; whoever reads with it is ended, and goes on there',
      body: seekBody,
      answer: consumerSchema,
      problems: [401, 403, 404, 409],
      run: ({ id, body, request }) =>
        withConsumer(request, id, async (consumer) => {
          const position = await placeOf(bridge, body);
          if (position === undefined)
            return new Problem(
              409,
              'the cursor is none of this log: take one of this hub, or give {"since": …}',
            );
          await bridge.consumers.seek(consumer, position);
          return view(consumer);
        }),
    }),
  ];
}

async function placeOf(
  { log }: Bridge,
  { cursor, since = 0 }: z.output<typeof seekBody>,
): Promise<Position | undefined> {
  if (cursor === undefined) return log.since(since);
  const position = parseCursor(log.epoch, cursor);
  return position !== undefined && position <= log.head() ? position : undefined;
}

async function consumerView(
  { bridge, consumerExpiryMs }: ConsumersOptions,
  consumer: KeptConsumer,
): Promise<z.input<typeof consumerSchema>> {
  const { id, name, owner, topics, patterns, progress, attachment, createdAt, usedAt } = consumer;
  const behind = await bridge.consumers.behind(consumer);
  return {
    id,
    name,
    ...owner,
    topics: [...topics],
    patterns: [...patterns],
    cursor: cursorOf(bridge.log, progress.through),
    lag: behind === undefined ? null : { ...behind, since: isoTimeOrNull(behind.since) },
    unacknowledged: progress.unsettled,
    in_use: attachment !== undefined,
    created_at: isoTime(createdAt),
    used_at: isoTime(usedAt),
    expires_at: attachment === undefined ? isoTime(usedAt + consumerExpiryMs) : null,
  };
}
