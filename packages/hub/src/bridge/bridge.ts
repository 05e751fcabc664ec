import type { Clock, Random } from '@websub/shared';
import type { Consumers } from '../consumer/consumers.js';
import type { HubEmitter } from '../events.js';
import type { Gate } from '../gate/gate.js';
import type { HotTail } from '../log/hot-tail.js';
import { ConsumerRoll } from './consumer-roll.js';
import { Envelopes } from './envelope.js';
import type { OwnTopics } from './own-topics.js';
import { Payloads } from './payload.js';
import { Presence } from './presence.js';
import { PresenceNews } from './presence-news.js';
import { Readers } from './readers.js';
import { SseCodec } from './sse-codec.js';
import { Streams, type StreamBounds } from './streams.js';

export interface BridgeOptions {
  readonly log: HotTail;
  readonly gate: Gate;
  readonly bounds: StreamBounds;
  readonly consumers: Consumers;
  /** Milliseconds after which a consumer that nobody uses is removed. */
  readonly consumerExpiryMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  readonly ownTopics: OwnTopics;
}

/** Everything that gives the log's entries to readers who keep their own place. */
export class Bridge {
  readonly log: HotTail;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
  readonly readers: Readers;
  readonly consumers: ConsumerRoll;
  readonly streams: Streams;
  readonly payloads: Payloads;
  readonly envelopes: Envelopes;
  readonly codec: SseCodec;
  readonly ownTopics: OwnTopics;
  readonly presence: Presence;

  constructor(options: BridgeOptions) {
    const { log, gate, clock, random, events } = options;
    const payloads = new Payloads();
    this.payloads = payloads;
    this.log = log;
    this.gate = gate;
    this.clock = clock;
    this.random = random;
    this.events = events;
    this.ownTopics = options.ownTopics;
    const news = new PresenceNews(options);
    this.presence = new Presence(clock, (room, change) =>
      news.tell(room, change, change.type === 'join' && this.presence.count(room) === 1),
    );
    this.readers = new Readers({ ...options, payloads });
    this.consumers = new ConsumerRoll({ ...options, readers: this.readers });
    this.streams = new Streams({ ...options, readers: this.readers });
    this.envelopes = new Envelopes(log.epoch, payloads);
    this.codec = new SseCodec({ epoch: log.epoch, payloads, envelopes: this.envelopes });
  }

  /** Settles when it knows every consumer. */
  async start(): Promise<void> {
    await this.consumers.start();
  }

  /** Settles when the places of all consumers are saved. */
  async stop(): Promise<void> {
    await this.consumers.stop();
  }

  /** Whether somebody reads the topic at the moment, or will come back to it. */
  isRead(topic: string): boolean {
    return this.readers.isRead(topic) || this.consumers.areOf(topic);
  }

  /** Ends every reader; each is told when to come back. */
  drain(): void {
    this.streams.drain();
    this.readers.stop();
  }
}
