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
    return JSON.stringify({ ...head, ...this.#dataOf(entry) });
  }

  #dataOf(entry: Entry): Readonly<Record<string, unknown>> {
    const payload = this.#payloads.of(entry);
    switch (payload.kind) {
      case 'json':
        return { data: payload.value };
      case 'text':
        return { data: payload.text };
      case 'binary':
        return { data_base64: Buffer.from(entry.content.body).toString('base64') };
    }
  }
}
