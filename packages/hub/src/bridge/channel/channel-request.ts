import { readLeaseSeconds, readTopic, single, WebSubError } from '@websub/shared';

const CHANNEL_TYPES = ['websocket', 'sse'] as const;
/** What a channel is read over. */
type ChannelType = (typeof CHANNEL_TYPES)[number];

/** A request for a channel: a subscription whose subscriber connects to the hub, instead of the other way round. */
export type ChannelRequest =
  | {
      readonly mode: 'subscribe';
      readonly type: ChannelType;
      readonly topic: string;
      /** Which types of updates; empty for all. */
      readonly events: readonly string[];
      /** Seconds asked for; absent when the subscriber leaves it to the hub. */
      readonly leaseSeconds?: number;
      /** The channel that is to be renewed; absent for a new one. */
      readonly endpoint?: string;
    }
  | {
      readonly mode: 'unsubscribe';
      readonly type: ChannelType;
      readonly topic: string;
      readonly endpoint: string;
    };

const MOST_EVENTS = 100;

/** Whether the form asks for a channel, and not for a callback. */
export function isChannelRequest(form: URLSearchParams): boolean {
  return form.has('hub.channel.type');
}

/**
 * Reads `hub.mode`, `hub.topic`, `hub.channel.type`, `hub.channel.endpoint`, `hub.events` and `hub.lease_seconds`, as FHIRcast
 * has them (2.4). Throws `invalid_request` with a sentence for the sender.
 */
export function channelRequestOf(form: URLSearchParams): ChannelRequest {
  if (form.has('hub.callback'))
    throw wrong('hub.callback and hub.channel.type are both there: send the one that you want');
  const type = CHANNEL_TYPES.find((known) => known === single(form, 'hub.channel.type'));
  if (type === undefined) throw wrong(`hub.channel.type is none of ${CHANNEL_TYPES.join(', ')}: choose one`);
  const topic = readTopic(form);
  const endpoint = single(form, 'hub.channel.endpoint') || undefined;
  const mode = single(form, 'hub.mode') ?? '';
  switch (mode) {
    case 'subscribe': {
      const leaseSeconds = readLeaseSeconds(form);
      return {
        mode,
        type,
        topic,
        events: eventsOf(form),
        ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
        ...(endpoint === undefined ? {} : { endpoint }),
      };
    }
    case 'unsubscribe':
      if (endpoint === undefined)
        throw wrong('hub.channel.endpoint is missing: send the one that you were given');
      return { mode, type, topic, endpoint };
    default:
      throw wrong('hub.mode is none of a channel: send subscribe or unsubscribe');
  }
}

function eventsOf(form: URLSearchParams): readonly string[] {
  const events = (single(form, 'hub.events') ?? '').split(',').filter((event) => event !== '');
  if (events.length > MOST_EVENTS)
    throw wrong(`hub.events names more than ${MOST_EVENTS} events: send fewer`);
  return events.includes('*') ? [] : events;
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
