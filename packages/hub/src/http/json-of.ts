import type { IncomingMessage } from 'node:http';
import { mediaTypeOf, WebSubError } from '@websub/shared';
import { isNestedTooDeep } from '../bridge/nesting.js';

/** Throws `unsupported_media_type` unless the body is said to be JSON. */
export function requireJson({ headers }: IncomingMessage): void {
  if (mediaTypeOf(headers['content-type'] ?? '') !== 'application/json')
    throw new WebSubError('unsupported_media_type', 'send JSON (Content-Type: application/json)');
}

/** A body as JSON in UTF-8. Throws `invalid_request` for anything else; `example` is what to send instead. */
export function jsonOf(body: Uint8Array, example: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    if (!isNestedTooDeep(text)) return JSON.parse(text) as unknown;
  } catch {
    throw new WebSubError('invalid_request', `the body is not JSON in UTF-8: send ${example}`);
  }
  throw new WebSubError('invalid_request', 'the body nests too deep: flatten it');
}
