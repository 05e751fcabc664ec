import {
  parseWebUrl,
  WebSubError,
  type Clock,
  type Content,
  type Random,
  type TraceContext,
} from '@websub/shared';
import type { HubEmitter } from '../events.js';
import { formatCursor } from '../log/cursor.js';
import { entryId } from '../log/entry-id.js';
import type { Appended, Log, Position } from '../log/log.js';

/** A publication with its content, as it came. */
export interface Publication {
  readonly topic: string;
  readonly content: Content;
  /** The publisher's id: the same id for the same topic within 24 hours is one entry. */
  readonly id?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Passed on with each delivery. */
  readonly trace?: TraceContext;
  /** A time of the publisher's own, by which its entries are found. */
  readonly eventTime?: number;
}

export interface Published {
  readonly position: Position;
  readonly cursor: string;
  /** False when an entry with this id was there already; position and cursor are then that one's. */
  readonly fresh: boolean;
}

export interface PublicationsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: HubEmitter;
}

const RANDOM_BYTES = 10;
// Names travel in headers and addresses: visible ASCII without the space.
const TOKEN = /^[\x21-\x7e]{1,256}$/;

/** Publishes content: what comes with a request to publish, and what was fetched of a topic that was pinged. */
export class Publications {
  readonly #options: PublicationsOptions;

  constructor(options: PublicationsOptions) {
    this.#options = options;
  }

  /**
   * Settles with where the entry is when it is on stable storage (LAW 1). Rejects with `invalid_request` for a topic that
   * is no URL or an id, type or subject that cannot travel in a header, and with `store_full` or `store_failed`.
   */
  async publish(publication: Publication): Promise<Published> {
    const [published] = await this.publishAll([publication]);
    if (published === undefined) throw new WebSubError('store_failed', 'the log answered without a position');
    return published;
  }

  /** As {@link publish}, of all of them or none, in this order. */
  async publishAll(publications: readonly Publication[]): Promise<readonly Published[]> {
    for (const publication of publications) check(publication);
    const { log, clock, random } = this.#options;
    const appended = await log.append(
      publications.map(({ topic, content, id, type, subject, headers, trace, eventTime }) => ({
        topic,
        id: id ?? entryId(clock.now(), random, RANDOM_BYTES),
        idempotent: id !== undefined,
        ...(type === undefined ? {} : { type }),
        ...(subject === undefined ? {} : { subject }),
        content,
        headers: { ...headers, ...trace },
        publishedAt: clock.now(),
        ...(eventTime === undefined ? {} : { eventTime }),
      })),
    );
    return appended.map((one, nth) => this.#tell(publications[nth]!, one));
  }

  #tell({ topic, content, trace }: Publication, { position, id, fresh }: Appended): Published {
    const { log, events } = this.#options;
    const cursor = formatCursor(log.epoch, position);
    if (fresh)
      events.emit('entry-appended', {
        topic,
        entry: id,
        cursor,
        bytes: content.body.byteLength,
        ...(trace === undefined ? {} : { traceparent: trace.traceparent }),
      });
    return { position, cursor, fresh };
  }
}

function check({ topic, id, type, subject }: Publication): void {
  parseWebUrl(topic, 'hub.topic');
  for (const [name, value] of Object.entries({ 'hub.id': id, 'hub.type': type, 'hub.subject': subject })) {
    if (value !== undefined && !TOKEN.test(value)) {
      throw new WebSubError(
        'invalid_request',
        `${name} is not 1 to 256 visible ASCII characters: choose another value`,
      );
    }
  }
}
