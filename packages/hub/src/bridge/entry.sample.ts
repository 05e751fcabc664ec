import type { Entry, Position } from '../log/log.js';

export interface SampleFields extends Partial<Omit<Entry, 'position' | 'content'>> {
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
  readonly position?: number;
}

/** An entry for the units of the bridges. */
export function entryWith({
  body = '{}',
  contentType = 'application/json',
  position = 1,
  ...fields
}: SampleFields): Entry {
  return {
    topic: 'https://shop.example/orders',
    id: 'entry-1',
    content: { body: typeof body === 'string' ? Buffer.from(body) : body, contentType },
    headers: {},
    publishedAt: Date.UTC(2026, 10, 21, 9),
    // A test gives positions as a log would.
    position: position as Position,
    corrupt: false,
    ...fields,
  };
}
