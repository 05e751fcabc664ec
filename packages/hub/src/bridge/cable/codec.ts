import { createHash } from 'node:crypto';
import type { Entry } from '../../log/log.js';
import type { Envelopes } from '../envelope.js';
import { loomEventOf } from '../loom/loom-event.js';
import type { LoomTopics } from '../loom/loom-topics.js';
import type { Payloads } from '../payload.js';
import { Shelf } from '../shelf.js';
import { beginningOf, bytesOf, endingOf, type Message } from '../socket/frames.js';
import type { MessageFormat } from './channel.js';

export interface CableCodecOptions {
  readonly epoch: string;
  readonly payloads: Payloads;
  readonly envelopes: Envelopes;
  readonly topics: LoomTopics;
}

/** Makes the message of an entry. */
export type MessageOf = (entry: Entry) => Message;

const SHELF_BYTES = 16 * 1024 * 1024;

/**
 * Entries as messages to a subscription. What differs from one to another is the beginning, where its identifier is; the
 * rest is made once for all who read the same format.
 */
export class CableCodec {
  readonly #options: CableCodecOptions;
  readonly #shelves = new Map<string, Shelf<Message>>();

  constructor(options: CableCodecOptions) {
    this.#options = options;
  }

  /** `extended`: with the place in the stream, as AnyCable's clients keep it. */
  messagesOf(identifier: string, format: MessageFormat, extended: boolean): MessageOf {
    const place = extended
      ? `"stream_id":${JSON.stringify(streamIdOf(identifier))},"epoch":${JSON.stringify(this.#options.epoch)},`
      : '';
    const beginning = beginningOf(`{"identifier":${JSON.stringify(identifier)},${place}"message":`);
    const shelf = this.#shelfOf(format, extended);
    return (entry) => [beginning, ...shelf.of(entry)];
  }

  #shelfOf(format: MessageFormat, extended: boolean): Shelf<Message> {
    const key = `${format} ${extended}`;
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      const make = (entry: Entry): Message => {
        const place = extended ? `,"offset":${entry.position}` : '';
        return endingOf(Buffer.from(`${this.#textOf(entry, format)}${place}}`));
      };
      shelf = new Shelf(SHELF_BYTES, make, bytesOf);
      this.#shelves.set(key, shelf);
    }
    return shelf;
  }

  #textOf(entry: Entry, format: MessageFormat): string {
    const { payloads, envelopes, topics } = this.#options;
    const { topic } = entry;
    switch (format) {
      case 'event':
        return JSON.stringify(
          loomEventOf(entry, payloads.of(entry), topics.addressOf(topic) ?? { name: topic, subject: '' }),
        );
      case 'envelope':
        return envelopes.of(entry);
      case 'body':
        return payloads.jsonOf(entry);
    }
  }
}

/**
 * The name of the stream that a subscription is to AnyCable's clients. They keep one place for each name, whatever
 * subscriptions it came by; so each has a name of its own, or one that is further back would be lost.
 */
export function streamIdOf(identifier: string): string {
  return createHash('sha256').update(identifier).digest('base64url').slice(0, 22);
}
