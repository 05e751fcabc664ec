import { createHash } from 'node:crypto';

/** What a topic holds: bytes and their media type, passed on exactly as published (LAW 6). */
export interface Content {
  readonly body: Uint8Array;
  /** A whole Content-Type value, parameters included. */
  readonly contentType: string;
}

export const DEFAULT_CONTENT_TYPE = 'application/octet-stream';

// RFC 9110 §8.3.1: type "/" subtype and parameters; visible ASCII, space and tab only, so that nothing can start a new header line.
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;[ \t\x21-\x7e]*)?$/;
const LONGEST_MEDIA_TYPE = 256;

/** The given Content-Type when it is well formed, else `application/octet-stream`. */
export function contentTypeOrDefault(value: string | undefined): string {
  if (value === undefined || value.length > LONGEST_MEDIA_TYPE) return DEFAULT_CONTENT_TYPE;
  const trimmed = value.trim();
  return MEDIA_TYPE.test(trimmed) ? trimmed : DEFAULT_CONTENT_TYPE;
}

/** The media type without parameters, in lower case. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** The charset that the content type names, as it is written there; `undefined` when it names none. */
export function charsetOf(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1];
}

/** SHA-256 over content type, line feed and body, base64: equal contents have equal digests. */
export function digestOf({ contentType, body }: Content): string {
  return createHash('sha256').update(`${contentType}\n`).update(body).digest('base64');
}
