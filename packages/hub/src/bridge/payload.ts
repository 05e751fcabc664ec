import { mediaTypeOf } from '@websub/shared';
import type { Entry } from '../log/log.js';
import { onOneLine } from './json-member.js';
import { isNestedTooDeep } from './nesting.js';
import { Shelf } from './shelf.js';

/** What the body of an entry says. */
export type Payload =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary' };

const SHELF_BYTES = 8 * 1024 * 1024;
const TEXT = /^text\/|^application\/(?:xml|javascript|x-www-form-urlencoded|yaml|graphql)$|\+(?:xml|yaml)$/;
const JSON_TYPE = /^application\/json$|\+json$/;

/** Bodies as values and texts, each read at most once for all who filter or show them, and only when somebody does. */
export class Payloads {
  readonly #shelf = new Shelf(SHELF_BYTES, payloadOf, (entry) => entry.content.body.byteLength);

  of(entry: Entry): Payload {
    return this.#shelf.of(entry);
  }

  /** The body as one line of JSON: as it is written, so that no number loses digits by being read. */
  jsonOf(entry: Entry): string {
    const payload = this.of(entry);
    switch (payload.kind) {
      case 'json':
        return onOneLine(this.textOf(entry));
      case 'text':
        return JSON.stringify(payload.text);
      case 'binary':
        return JSON.stringify({ data_base64: Buffer.from(entry.content.body).toString('base64') });
    }
  }

  /** The body as it is written; what is no text, as a `data:` URL. */
  textOf(entry: Entry): string {
    const payload = this.of(entry);
    const { body, contentType } = entry.content;
    switch (payload.kind) {
      case 'json':
        // It was in this encoding when it was read as JSON.
        return decode(body, contentType) ?? '';
      case 'text':
        return payload.text;
      case 'binary':
        return `data:${contentType.replaceAll(/\s/g, '')};base64,${Buffer.from(body).toString('base64')}`;
    }
  }
}

export function isJsonType(mediaType: string): boolean {
  return JSON_TYPE.test(mediaType);
}

/** By its content type; a body that is not what its type says is taken for what it is. */
export function payloadOf({ content: { body, contentType } }: Entry): Payload {
  const mediaType = mediaTypeOf(contentType);
  const isJson = isJsonType(mediaType);
  if (!isJson && !TEXT.test(mediaType)) return { kind: 'binary' };
  const text = decode(body, contentType);
  if (text === undefined) return { kind: 'binary' };
  if (!isJson || isNestedTooDeep(text)) return { kind: 'text', text };
  try {
    return { kind: 'json', value: JSON.parse(text) as unknown };
  } catch {
    return { kind: 'text', text };
  }
}

function decode(body: Uint8Array, contentType: string): string | undefined {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    // Not in that encoding, or an encoding that nobody knows.
    return undefined;
  }
}
