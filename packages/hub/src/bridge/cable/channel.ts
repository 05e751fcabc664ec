import { createHash } from 'node:crypto';
import { WebSubError } from '@websub/shared';
import { z } from 'zod';
import { ACK_MODES } from '../attachment.js';
import type { Filter } from '../filter.js';
import { EVENT_NAME } from '../loom/loom-event.js';
import type { LoomTopics } from '../loom/loom-topics.js';
import { isNestedTooDeep } from '../nesting.js';
import type { OwnTopics } from '../own-topics.js';
import { readRequestOf, type ReadRequest } from '../read-request.js';
import { verifiedStream } from './signed-stream.js';

/** How the entries of a channel look: Loom's events, everything that is known of an entry, or its body. */
export type MessageFormat = 'event' | 'envelope' | 'body';

/** What an identifier asks for. */
export interface Channel {
  readonly format: MessageFormat;
  readonly request: ReadRequest;
  /** Whether the client said where to begin, and what to do when something is missing. */
  readonly saysSince: boolean;
  readonly saysOnGap: boolean;
  /** The name of a reader whose place the hub keeps. */
  readonly consumer: string | undefined;
  /** Whether the client acknowledges by itself what it has worked on. */
  readonly acknowledges: boolean;
  /** What those share who see each other. */
  readonly room: string;
  /** Whether the client wants to be told of what the hub does. */
  readonly control: boolean;
  /** Whose signature allows it; then nothing else is asked. */
  readonly signed: boolean;
}

export interface ChannelOptions {
  readonly topics: LoomTopics;
  /** With which streams are signed; absent: no signature counts. */
  readonly streamsSecret: string | undefined;
  /** Where streams whose names are no URLs have their topics. */
  readonly ownTopics: OwnTopics;
}

const MOST_EVENTS = 256;

const list = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const place = z.union([z.string(), z.int()]).transform(String);
const common = {
  since: place.optional(),
  look_back: place.optional(),
  on_gap: z.string().optional(),
  where: list.optional(),
  filter: z
    .union([z.string(), z.record(z.string(), z.unknown()).transform((it) => JSON.stringify(it))])
    .optional(),
  consumer: z.string().optional(),
  ack: z.enum(ACK_MODES).default('auto'),
  control: z.boolean('control is neither true nor false').default(false),
};

const identifier = z.discriminatedUnion('channel', [
  z.object({ channel: z.literal('EventChannel'), events: z.string(), ...common }),
  z.object({
    channel: z.literal('TopicChannel'),
    topic: list.optional(),
    topics: list.optional(),
    match: list.optional(),
    type: list.optional(),
    ...common,
  }),
  z.object({
    channel: z.literal('$pubsub'),
    stream_name: z.string().min(1).max(1_024).optional(),
    signed_stream_name: z.string().max(4_096).optional(),
    ...common,
  }),
]);
type Identifier = z.output<typeof identifier>;

/**
 * Reads what an identifier asks for. `organisation` is whose events the client is for; without one it is for those of all.
 * `now` is milliseconds since the epoch. Throws `invalid_request` for what cannot be given.
 */
export function readChannel(
  text: string,
  { organisation, now }: { readonly organisation: string | undefined; readonly now: number },
  options: ChannelOptions,
): Channel {
  const wish = readIdentifier(text);
  const params = commonParams(wish);
  const { format, signed } = addTopics(params, wish, organisation, options);
  const read = readRequestOf(params, undefined, now);
  const request = format === 'event' ? { ...read, filter: ofEvent(read.filter) } : read;
  const { topics, patterns } = request.selection;
  return {
    format,
    signed,
    request,
    room: roomOf([...topics.toSorted(), ...patterns.toSorted()]),
    consumer: wish.consumer,
    acknowledges: wish.ack === 'explicit',
    control: wish.control,
    saysSince: params.has('since') || params.has('look_back'),
    saysOnGap: params.has('on_gap'),
  };
}

/** Says what each channel is about, and how its entries look. */
function addTopics(
  params: URLSearchParams,
  wish: Identifier,
  organisation: string | undefined,
  { topics, ownTopics, streamsSecret }: ChannelOptions,
): Pick<Channel, 'format' | 'signed'> {
  switch (wish.channel) {
    case 'EventChannel':
      addEvents(params, wish.events, organisation, topics);
      return { format: 'event', signed: false };
    case 'TopicChannel':
      for (const topic of [...(wish.topic ?? []), ...(wish.topics ?? [])]) params.append('topic', topic);
      for (const pattern of wish.match ?? []) params.append('match_urlpattern', pattern);
      for (const type of wish.type ?? []) params.append('type', type);
      return { format: 'envelope', signed: false };
    case '$pubsub': {
      const { name, signed } = streamOf(wish, streamsSecret);
      params.append(
        'topic',
        /^https?:\/\//i.test(name) ? name : ownTopics.of('streams', [name], 'stream_name'),
      );
      return { format: 'body', signed };
    }
  }
}

function readIdentifier(text: string): Identifier {
  if (isNestedTooDeep(text)) throw wrong('the identifier nests too deep: flatten it');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('the identifier is not JSON: send {"channel":"EventChannel","events":"*"}');
  }
  const parsed = identifier.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw wrong(
    issue?.path[0] === 'channel'
      ? 'channel is none of EventChannel, TopicChannel and $pubsub: choose one'
      : `${issue?.path.join('.') ?? 'the identifier'} is wrong: ${issue?.message ?? 'see the documentation'}`,
  );
}

function commonParams({ since, look_back, on_gap, where, filter }: Identifier): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries({ since, look_back, on_gap, filter }))
    if (value !== undefined) params.append(name, value);
  for (const condition of where ?? []) params.append('where', condition);
  return params;
}

/** A list of names with commas, or `*` for all. */
function addEvents(
  params: URLSearchParams,
  events: string,
  organisation: string | undefined,
  topics: LoomTopics,
): void {
  if (events.trim() === '*') {
    const pattern =
      organisation === undefined ? topics.patternOf() : topics.patternOfOrganisation(organisation);
    params.append('match_urlpattern', pattern);
    return;
  }
  const names = [...new Set(events.split(',').map((name) => name.trim()))];
  if (names.length > MOST_EVENTS) throw wrong(`events names more than ${MOST_EVENTS}: send fewer, or *`);
  for (const name of names) {
    if (!EVENT_NAME.test(name))
      throw wrong('events has something that is not APP.EVENT: write mission_control.job_added');
    if (organisation === undefined) params.append('match_urlpattern', topics.patternOf(name));
    else params.append('topic', topics.topicOfOrganisation(organisation, name));
  }
}

/** What readers of events call the payload is that of the event, and not the whole of it. */
function ofEvent(filter: Filter | undefined): Filter | undefined {
  if (filter === undefined) return undefined;
  switch (filter.op) {
    case 'and':
    case 'or':
      return { ...filter, all: filter.all.map((one) => ofEvent(one)!) };
    case 'not':
      return { ...filter, one: ofEvent(filter.one)! };
    case 'event-time':
      return filter;
    case 'exists':
    case 'in':
    case 'prefix':
    case 'is':
    case 'gt':
    case 'lt': {
      const { path } = filter;
      return path.of === 'payload'
        ? { ...filter, path: { ...path, names: ['payload', ...path.names] } }
        : filter;
    }
  }
}

function streamOf(
  { stream_name, signed_stream_name }: Extract<Identifier, { channel: '$pubsub' }>,
  secret: string | undefined,
): { readonly name: string; readonly signed: boolean } {
  if (signed_stream_name !== undefined) {
    const name = secret === undefined ? undefined : verifiedStream(signed_stream_name, secret);
    if (name === undefined) throw wrong('signed_stream_name is not signed with the key of this hub');
    return { name, signed: true };
  }
  if (stream_name === undefined) throw wrong('stream_name is missing: send it, or signed_stream_name');
  return { name: stream_name, signed: false };
}

/**
 * Whoever follows the same topics is in the same room, wherever he stands in them. It is not the room of a topic: there ids
 * are what credentials say, and here what clients say.
 */
function roomOf(topics: readonly string[]): string {
  return createHash('sha256').update(topics.join(' ')).digest('base64url');
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
