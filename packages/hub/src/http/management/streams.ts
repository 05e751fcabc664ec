import { z } from 'zod';
import { ownerOf, isSameOwner } from '../../consumer/consumer.js';
import type { Attachment } from '../../bridge/attachment.js';
import type { Bridge } from '../../bridge/bridge.js';
import { mayBegin, permitOf } from '../../bridge/permit.js';
import { lagOf } from '../../bridge/stream-lag.js';
import type { OpenStream } from '../../bridge/open-stream.js';
import { nameOf } from '../../bridge/streams.js';
import type { Gate } from '../../gate/gate.js';
import { NEVER } from '../../subscription/subscription.js';
import { refusalOf } from '../entrance.js';
import { operation, Problem, type Operation } from './operation.js';
import { answerPage, isoTime, pageOf, pageQuery, time } from './page.js';

export interface StreamsOptions {
  readonly gate: Gate;
  readonly bridge: Bridge;
}

const LONGEST_DELAY_MS = 86_400_000;
const WRONG_DELAY = `delay_ms is not a whole number from 0 to ${LONGEST_DELAY_MS}`;

const cursor = z
  .string('cursor is missing, or not text')
  .describe('the id of an event, or the cursor of an envelope');

export const newTokenBody = z.strictObject({
  token: z
    .string('token is missing, or not text')
    .describe('a token, or an API key, of whoever opened the stream'),
});
export const tokenSchema = z.object({ expires_at: time.nullable() });
export const ackBody = z.strictObject({
  cursor,
  only: z
    .boolean('only is neither true nor false')
    .default(false)
    .describe('only this entry, and none before it'),
});
export const nackBody = z.strictObject({
  cursor,
  delay_ms: z
    .int(WRONG_DELAY)
    .min(0, WRONG_DELAY)
    .max(LONGEST_DELAY_MS, WRONG_DELAY)
    .default(0)
    .describe('how long to wait before it is given again'),
});

export const streamSchema = z.object({
  stream: z.string().describe('the beginning of its id; the whole id is known to its client'),
  subject: z.string().nullable().describe('of a token'),
  consumer: z.string().nullable().describe('the id of its consumer'),
  topics: z.array(z.string()),
  patterns: z.array(z.string()),
  entries: z.int().describe('updates that it was given'),
  lag: z.object({ entries: z.int(), bytes: z.int() }).describe('what it is behind, filters aside'),
  stalls: z.int().describe('times that its client took nothing for five seconds although something waited'),
});
export const streamPageSchema = pageOf(streamSchema);

/** What is done to a stream that is open. Its id is unguessable: who knows it may. */
export function streamOperations(options: StreamsOptions): readonly Operation[] {
  const { bridge } = options;
  const common = { tag: 'streams', forManagers: false } as const;
  return [
    operation({
      method: 'get',
      path: '/streams',
      id: 'listStreams',
      tag: 'streams',
      summary: 'Streams and sockets that are open, with how far each is behind',
      query: pageQuery,
      answer: streamPageSchema,
      run: ({ query }) =>
        answerPage(
          query,
          (page) => Promise.resolve(bridge.streams.list(page)),
          (stream) => streamView(bridge, stream),
          ({ id }) => nameOf(id),
        ),
    }),
    operation({
      ...common,
      method: 'post',
      path: '/streams/{id}/token',
      id: 'replaceStreamToken',
      summary: 'Lets a stream go on with another credential of whoever opened it',
      body: newTokenBody,
      answer: tokenSchema,
      problems: [401, 403, 404, 429],
      run: ({ id, body }) => withStream(bridge, id, (stream) => replaceToken(options, stream, body.token)),
    }),
    operation({
      ...common,
      method: 'post',
      path: '/streams/{id}/ack',
      id: 'acknowledge',
      summary:
        'Acknowledges what a stream with a consumer was given, up to an entry; settles when that is durable',
      body: ackBody,
      status: 204,
      problems: [404, 409],
      run: ({ id, body }) =>
        withConsumer(bridge, id, (attachment) =>
          body.only ? attachment.ackOne(body.cursor) : attachment.ackThrough(body.cursor),
        ),
    }),
    operation({
      ...common,
      method: 'post',
      path: '/streams/{id}/nack',
      id: 'refuse',
      summary: 'Asks for an entry again, now or after a while',
      body: nackBody,
      status: 204,
      problems: [404, 409],
      run: ({ id, body }) =>
        withConsumer(bridge, id, (attachment) => attachment.nack(body.cursor, body.delay_ms)),
    }),
    operation({
      ...common,
      method: 'delete',
      path: '/streams/{id}',
      id: 'closeStream',
      summary: 'Ends a stream',
      status: 204,
      problems: [404],
      run: ({ id }) => withStream(bridge, id, (stream) => Promise.resolve(stream.end('closed'))),
    }),
  ];
}

async function streamView(bridge: Bridge, stream: OpenStream): Promise<z.input<typeof streamSchema>> {
  const { stream: name, ...lag } = await lagOf(bridge, stream);
  const selections = [...stream.readers].map(({ selection }) => selection);
  const { principal } = stream.permit;
  return {
    stream: name,
    subject: principal?.kind === 'token' ? principal.subject : null,
    consumer: stream.attachment?.consumer.id ?? null,
    topics: [...new Set(selections.flatMap(({ topics }) => topics))],
    patterns: [...new Set(selections.flatMap(({ patterns }) => patterns))],
    entries: stream.entries,
    lag,
    stalls: stream.stalls,
  };
}

async function replaceToken(
  { gate, bridge }: StreamsOptions,
  stream: OpenStream,
  token: string,
): Promise<unknown> {
  const entrance = await gate.admit({ kind: 'secret', text: token });
  if (entrance.kind !== 'admitted') return Problem.of(refusalOf(entrance, 'this stream'));
  const { grant } = entrance;
  const before = ownerOf(stream.permit.principal, undefined);
  const now = ownerOf(grant.principal, undefined);
  if (before === undefined || now === undefined || !isSameOwner(before, now))
    return new Problem(403, 'the stream was opened by somebody else: open one of your own');
  const topics = [...stream.readers].flatMap(({ selection }) => selection.topics);
  if (!mayBegin(grant, topics))
    return new Problem(
      403,
      'the credential does not allow to read all topics of the stream: use another one',
    );
  // It may have ended meanwhile.
  if (bridge.streams.find(stream.id) === undefined) return noStream();
  if (!bridge.streams.identify(stream, permitOf(gate, grant)))
    return new Problem(429, 'too many streams are open in this name: close one');
  stream.permit.renew(grant);
  return { expires_at: grant.endsAt < NEVER ? isoTime(grant.endsAt) : null };
}

function withStream(
  { streams }: Bridge,
  id: string,
  action: (stream: OpenStream) => Promise<unknown>,
): Promise<unknown> {
  const stream = streams.find(id);
  return stream === undefined ? Promise.resolve(noStream()) : action(stream);
}

function withConsumer(
  bridge: Bridge,
  id: string,
  action: (attachment: Attachment) => Promise<void>,
): Promise<unknown> {
  return withStream(bridge, id, ({ attachment }) =>
    attachment === undefined
      ? Promise.resolve(new Problem(409, 'the stream reads without a consumer: open it with consumer=NAME'))
      : action(attachment),
  );
}

function noStream(): Problem {
  return new Problem(404, 'no stream with this id is open: send the Hub-Stream of one that is');
}
