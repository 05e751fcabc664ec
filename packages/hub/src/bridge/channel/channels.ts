import { createHash } from 'node:crypto';
import { WebSubError, type NetworkPolicy, parseWebUrl } from '@websub/shared';
import type { Grant } from '../../access/grant.js';
import { consumerId, type ChannelTerms, type Owner } from '../../consumer/consumer.js';
import { addressBelow } from '../../hub-address.js';
import { grantedSeconds, type LeaseBounds } from '../../protocol/acceptance.js';
import type { Validate } from '../../protocol/validation.js';
import type { AckMode } from '../attachment.js';
import type { Bridge } from '../bridge.js';
import type { ConsumerRequest } from '../consumer-roll.js';
import type { KeptConsumer } from '../kept-consumer.js';
import { readPlace, type ReadRequest } from '../read-request.js';
import { selectionOf } from '../selection.js';
import type { ChannelRequest } from './channel-request.js';

export interface ChannelsOptions {
  readonly bridge: Bridge;
  readonly lease: LeaseBounds;
  readonly networks: { readonly topics: NetworkPolicy };
  readonly validate: Validate;
  readonly hubUrl: () => string;
}

/** A channel, until its lease ends. */
export type Channel = KeptConsumer & { readonly channel: ChannelTerms };

/** Whoever is connected to a channel. */
export interface Listener {
  /** The terms of the channel are others by now. */
  renewed(): void;
}

type SubscribeRequest = Extract<ChannelRequest, { mode: 'subscribe' }>;
type UnsubscribeRequest = Extract<ChannelRequest, { mode: 'unsubscribe' }>;

export const CHANNEL_PATH = '/v1/c/';
const TOKEN_BYTES = 16;
const WINDOW = 256;
/** A Server-Sent Events client acknowledges by the id with which it comes back; over WebSocket each update is acknowledged. */
const ACK: Readonly<Record<ChannelTerms['type'], AckMode>> = { websocket: 'explicit', sse: 'auto' };

/** WebSub channels: subscriptions whose subscribers connect to the hub, at an address that nobody else knows. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #listeners = new Map<string, Listener>();

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  /**
   * Settles with the address of the channel when it is durable. That the grant allows to read the topic is for the caller
   * to ask. Rejects with `invalid_request` for an address that is none, `forbidden_address`, `denied` when a topic is not
   * taken, `retry_later` when there are too many, and as the store does.
   */
  async subscribe(request: SubscribeRequest, grant: Grant): Promise<string> {
    const { bridge, lease, networks, validate } = this.#options;
    const { topic, type, events } = request;
    networks.topics.checkLiteral(parseWebUrl(topic, 'hub.topic'), 'hub.topic');
    const before = request.endpoint === undefined ? undefined : this.#mine(request.endpoint, request);
    const token = before?.token ?? bridge.random.token(TOKEN_BYTES);
    const endpoint = this.#addressOf(type, token);
    const refusal = await validate({ topic, callback: endpoint });
    if (refusal !== undefined)
      throw new WebSubError('invalid_request', `this topic is not taken: ${refusal}`);
    const now = bridge.clock.now();
    const { principal, restrictions } = grant;
    const terms: ChannelTerms = {
      type,
      topic,
      events,
      ...(principal && { principal }),
      ...(restrictions && { restrictions }),
      endsAt: now + grantedSeconds(lease, request.leaseSeconds, grant, now) * 1000,
      confirmed: before?.channel.channel.confirmed ?? false,
    };
    if (before === undefined) {
      const attachment = await bridge.consumers.attach(consumerRequest(token, terms), readRequest(terms));
      attachment.leave();
    } else {
      await bridge.consumers.grant(before.channel, terms);
      this.#listeners.get(before.channel.id)?.renewed();
    }
    return endpoint;
  }

  /** Settles when the channel is gone for good; whoever is connected is told. Rejects with `invalid_request`. */
  async unsubscribe({ endpoint, ...request }: UnsubscribeRequest): Promise<void> {
    const { channel } = this.#mine(endpoint, request);
    await this.#options.bridge.consumers.remove(channel);
  }

  /** The channel with this token, the last part of its address; `undefined` when there is none, or no longer. */
  find(token: string): Channel | undefined {
    const { consumers, gate, clock } = this.#options.bridge;
    const kept = consumers.find(consumerId(ownerOf(token), NAME));
    if (kept === undefined || !isChannel(kept)) return undefined;
    const { endsAt, principal, topic } = kept.channel;
    return endsAt > clock.now() && gate.stillReads(principal, topic) ? kept : undefined;
  }

  /** Somebody has connected to the channel, and is told what becomes of it, until what is returned is called. */
  join(channel: Channel, listener: Listener): () => void {
    const { consumers, events } = this.#options.bridge;
    this.#listeners.set(channel.id, listener);
    if (!channel.channel.confirmed)
      consumers
        .grant(channel, { ...channel.channel, confirmed: true })
        .catch((error: unknown) => events.emit('fault', { where: 'channels', error }));
    return () => {
      if (this.#listeners.get(channel.id) === listener) this.#listeners.delete(channel.id);
    };
  }

  #addressOf(type: ChannelTerms['type'], token: string): string {
    const address = addressBelow(this.#options.hubUrl(), CHANNEL_PATH.slice(1) + token);
    if (type === 'websocket') address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    return address.href;
  }

  #mine(
    endpoint: string,
    { topic, type }: Pick<ChannelRequest, 'topic' | 'type'>,
  ): { readonly channel: Channel; readonly token: string } {
    const path = URL.canParse(endpoint) ? new URL(endpoint).pathname : '';
    const token = path.slice(path.lastIndexOf('/') + 1);
    const channel = this.find(token);
    if (channel === undefined || channel.channel.topic !== topic || channel.channel.type !== type)
      throw new WebSubError(
        'invalid_request',
        'hub.channel.endpoint is no channel of this topic and type, or no longer: subscribe without it',
      );
    return { channel, token };
  }
}

const NAME = 'channel';

function isChannel(kept: KeptConsumer): kept is Channel {
  return kept.channel !== undefined;
}

/** Whoever lists consumers must not learn the address. */
function ownerOf(token: string): Owner {
  return { tenant: null, holder: `channel:${createHash('sha256').update(token).digest('base64url')}` };
}

/** What whoever reads a channel acknowledges, and how. */
export function consumerRequest(token: string, channel: ChannelTerms): ConsumerRequest {
  return { owner: ownerOf(token), name: NAME, ack: ACK[channel.type], window: WINDOW, channel };
}

/** What is read of a channel; `lastEventId` is that of a client which comes back. */
export function readRequest({ topic, events }: ChannelTerms, lastEventId?: string): ReadRequest {
  return {
    selection: selectionOf([topic], []),
    filter: events.length === 0 ? undefined : { op: 'in', path: { of: 'type' }, values: events },
    ...readPlace(new URLSearchParams(), { lastEventId, now: 0 }),
  };
}
