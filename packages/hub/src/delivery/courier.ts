import { formatLinkHeader } from '@websub/shared';
import { formatCursor } from '../log/cursor.js';
import type { Entry } from '../log/log.js';
import type { DeliveryOutcome, HeaderLines, Parcel, Sender, Sending } from './sender.js';

/** One attempt that is made. */
export interface Attempt {
  readonly entry: Entry;
  /** 1 for the first. */
  readonly attempt: number;
  /** The headers that name its span, when the entry was published in a trace. */
  readonly trace: HeaderLines | undefined;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
}

export interface Delivery extends Sending {
  readonly made: Attempt;
}

export interface CourierOptions {
  readonly sender: Sender;
  /** What the hub calls itself in Link headers; known once it listens. */
  readonly hubUrl: () => string;
  readonly epoch: string;
  readonly userAgent: string;
}

/** Makes one delivery attempt (section 7). */
export class Courier {
  readonly #options: CourierOptions;
  readonly #parcels = new WeakMap<Entry, Parcel>();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Calls `settled` once, when the callback has answered or the client's time limits ran out. */
  deliver(delivery: Delivery, settled: (outcome: DeliveryOutcome) => void): void {
    this.#options.sender.send(this.#parcelOf(delivery.made.entry), delivery, settled);
  }

  #parcelOf(entry: Entry): Parcel {
    const known = this.#parcels.get(entry);
    if (known !== undefined) return known;
    const { id, topic, content } = entry;
    const parcel = { id, topic, body: content.body, headers: this.#headersOf(entry) };
    this.#parcels.set(entry, parcel);
    return parcel;
  }

  #headersOf(entry: Entry): readonly string[] {
    const { hubUrl, epoch, userAgent } = this.#options;
    return Object.entries({
      // First, so that nothing a publisher sends replaces what the hub says.
      ...withoutTrace(entry.headers),
      'content-type': entry.content.contentType,
      link: formatLinkHeader([
        { href: hubUrl(), rel: 'hub' },
        { href: entry.topic, rel: 'self' },
      ]),
      'user-agent': userAgent,
      'webhook-id': entry.id,
      'hub-cursor': formatCursor(epoch, entry.position),
    }).flat();
  }
}

/** The span of an attempt takes the place of the publisher's. */
function withoutTrace({ traceparent: _parent, tracestate: _state, ...rest }: HeaderLines): HeaderLines {
  return rest;
}
