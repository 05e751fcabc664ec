import { charsetOf, mediaTypeOf, type Content } from '@websub/shared';
import type { Entry } from '../log/log.js';
import { onOneLine } from './json-member.js';
import { isNestedTooDeep } from './nesting.js';
import { Shelf } from './shelf.js';

/** What the body of an entry says. */
export type Payload =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary' };

const SHELF_BYTES = 16 * 1024 * 1024;
/** What values take that were read from JSON, of its own length (measured: 1 to 4 times, and 28 at worst). */
const JSON_FACTOR = 8;
const TEXT = /^text\/|^application\/(?:xml|javascript|x-www-form-urlencoded|yaml|graphql)$|\+(?:xml|yaml)$/;
const UTF_8 = new TextDecoder('utf-8', { fatal: true });
const JSON_TYPE = /^application\/json$|\+json$/;

/** Bodies as values and texts, each read at most once for all who filter or show them, and only when somebody does. */
export class Payloads {
  readonly #shelf = new Shelf(SHELF_BYTES, payloadOf, bytesOf);

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

  /** The body as it is written; what is no text, as a `data:` URL. What it says is not read for that. */
  textOf({ content }: Entry): string {
    const text = textIn(content);
    if (text !== undefined) return text;
    const type = content.contentType.replaceAll(/\s/g, '');
    return `data:${type};base64,${Buffer.from(content.body).toString('base64')}`;
  }
}

export function isJsonType(mediaType: string): boolean {
  return JSON_TYPE.test(mediaType);
}

/** By its content type; a body that is not what its type says is taken for what it is. */
export function payloadOf({ content }: Entry): Payload {
  const text = textIn(content);
  if (text === undefined) return { kind: 'binary' };
  if (!isJsonType(mediaTypeOf(content.contentType)) || isNestedTooDeep(text)) return { kind: 'text', text };
  try {
    return { kind: 'json', value: JSON.parse(text) as unknown };
  } catch {
    return { kind: 'text', text };
  }
}

/** The body as text, where its type says that it is one and its bytes are in the encoding that its type names. */
function textIn({ body, contentType }: Content): string | undefined {
  const mediaType = mediaTypeOf(contentType);
  if (!isJsonType(mediaType) && !TEXT.test(mediaType)) return undefined;
  const charset = charsetOf(contentType);
  try {
    const decoder = charset === undefined ? UTF_8 : new TextDecoder(charset, { fatal: true });
    return decoder.decode(body);
  } catch {
    // Not in that encoding, or an encoding that nobody knows.
    return undefined;
  }
}

function bytesOf({ kind }: Payload, { content }: Entry): number {
  return kind === 'json' ? JSON_FACTOR * content.body.byteLength : content.body.byteLength;
}
