import { formatCursor } from '../log/cursor.js';
import type { Entry } from '../log/log.js';
import type { Payloads } from './payload.js';

/** An entry as JSON with everything that is known of it. The body is `data` (JSON as it is, other text as a string) or `data_base64`. */
export class Envelopes {
  readonly #epoch: string;
  readonly #payloads: Payloads;

  constructor(epoch: string, payloads: Payloads) {
    this.#epoch = epoch;
    this.#payloads = payloads;
  }

  /** One line of JSON. */
  of(entry: Entry): string {
    const { id, topic, type, subject, publishedAt, content, headers, position } = entry;
    const time = new Date(publishedAt).toISOString();
    const head = {
      cursor: formatCursor(this.#epoch, position),
      id,
      topic,
      ...(type === undefined ? {} : { type }),
      ...(subject === undefined ? {} : { subject }),
      time,
      received_at: time,
      content_type: content.contentType,
      headers,
    };
    const data = this.#payloads.jsonOf(entry);
    // What is no text says so by its name.
    const members = this.#payloads.of(entry).kind === 'binary' ? data.slice(1, -1) : `"data":${data}`;
    return `${JSON.stringify(head).slice(0, -1)},${members}}`;
  }
}
