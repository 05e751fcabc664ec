import { formatCursor } from '../log/cursor.js';
import type { Entry } from '../log/log.js';
import type { Envelopes } from './envelope.js';
import type { Payloads } from './payload.js';
import { Shelf } from './shelf.js';
import { eventFrame } from './sse-format.js';

/** How entries look on a stream. */
export const SSE_FORMATS = ['raw', 'envelope'] as const;
export type SseFormat = (typeof SSE_FORMATS)[number];

export interface SseCodecOptions {
  readonly epoch: string;
  readonly payloads: Payloads;
  readonly envelopes: Envelopes;
}

/** Makes the frame of an entry. */
export type FrameOf = (entry: Entry) => Buffer;

const SHELF_BYTES = 16 * 1024 * 1024;

/** Frames of entries, each made once for all who read the same format. */
export class SseCodec {
  readonly #options: SseCodecOptions;
  readonly #shelves = new Map<string, Shelf<Buffer>>();

  constructor(options: SseCodecOptions) {
    this.#options = options;
  }

  /** `typed` gives events the name of the entry's type. */
  framesOf(format: SseFormat, typed: boolean): FrameOf {
    const key = `${format} ${typed}`;
    let shelf = this.#shelves.get(key);
    if (shelf === undefined) {
      const make = (entry: Entry): Buffer => this.#frame(entry, format, typed);
      shelf = new Shelf(SHELF_BYTES, make, (_entry, frame) => frame.byteLength);
      this.#shelves.set(key, shelf);
    }
    const found = shelf;
    return (entry) => found.of(entry);
  }

  #frame(entry: Entry, format: SseFormat, typed: boolean): Buffer {
    const { epoch, envelopes } = this.#options;
    return eventFrame({
      id: formatCursor(epoch, entry.position),
      name: typed ? entry.type : undefined,
      data: format === 'envelope' ? envelopes.of(entry) : this.#raw(entry),
    });
  }

  /** The body as it is; what is no text, as a `data:` URL, since a stream of events is text. */
  #raw(entry: Entry): string {
    const payload = this.#options.payloads.of(entry);
    const { body, contentType } = entry.content;
    switch (payload.kind) {
      case 'json':
        return Buffer.from(body).toString();
      case 'text':
        return payload.text;
      case 'binary':
        return `data:${contentType.replaceAll(/\s/g, '')};base64,${Buffer.from(body).toString('base64')}`;
    }
  }
}
