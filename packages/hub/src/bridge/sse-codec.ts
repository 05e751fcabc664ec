import { formatCursor } from '../log/cursor.js';
import type { Entry } from '../log/log.js';
import { chunkOf } from './chunk.js';
import type { Envelopes } from './envelope.js';
import type { Payloads } from './payload.js';
import { Shelf } from './shelf.js';
import { eventText, type SseEvent } from './sse-format.js';

/** How entries look on a stream. */
export const SSE_FORMATS = ['raw', 'envelope'] as const;
export type SseFormat = (typeof SSE_FORMATS)[number];

export interface SseCodecOptions {
  readonly epoch: string;
  readonly payloads: Payloads;
  readonly envelopes: Envelopes;
}

/** Makes the frame of an entry, as a chunk. */
export type FrameOf = (entry: Entry) => Buffer;

/** What of an entry is shown; its id is added. */
export type Show = (entry: Entry) => Omit<SseEvent, 'id'>;

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
    return this.framesBy(`${format} ${typed}`, (entry) => ({
      name: typed ? entry.type : undefined,
      data: format === 'envelope' ? this.#options.envelopes.of(entry) : this.#options.payloads.textOf(entry),
    }));
  }

  /** Frames as another system shows them; everybody who names the same `look` shares them. `withId` false leaves out the id. */
  framesBy(look: string, show: Show, withId = true): FrameOf {
    let shelf = this.#shelves.get(look);
    if (shelf === undefined) {
      const make = (entry: Entry): Buffer =>
        chunkOf(
          eventText({
            id: withId ? formatCursor(this.#options.epoch, entry.position) : undefined,
            ...show(entry),
          }),
        );
      shelf = new Shelf(SHELF_BYTES, make, ({ byteLength }) => byteLength);
      this.#shelves.set(look, shelf);
    }
    const found = shelf;
    return (entry) => found.of(entry);
  }
}
