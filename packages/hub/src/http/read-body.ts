import { isAscii } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { charsetOf, WebSubError } from '@websub/shared';
import type GetRawBody from 'raw-body';
import type { BodyRoom } from './body-room.js';

// To import it, Node would read it for names of exports first, a fiftieth of a hub's start.
const getRawBody = createRequire(import.meta.url)('raw-body') as typeof GetRawBody;

/** A request that knows its answer, as express has it. */
export type ReceivedRequest = IncomingMessage & { readonly res?: ServerResponse | undefined };

const EXPECTS = /^100-continue$/i;

/**
 * The whole body. A longer one is refused as soon as that is known: by its declared length before it is read. `room` bounds
 * what is received at a time; short bodies need none.
 */
export async function readBody(
  request: ReceivedRequest,
  limit: number,
  room?: BodyRoom,
): Promise<Uint8Array> {
  const { headers } = request;
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() !== 'identity')
    throw new WebSubError('unsupported_media_type', 'the body has a Content-Encoding: send it plain');
  const declared = headers['content-length'] ?? null;
  // Who asks first whether to send it hears no before he does.
  if (declared !== null && Number(declared) > limit)
    throw new WebSubError('too_large', 'the body is too large: send less');
  const receive = (): Promise<Uint8Array> => {
    if (EXPECTS.test(headers.expect ?? '')) request.res?.writeContinue();
    return getRawBody(request, { limit, length: declared });
  };
  return room === undefined ? receive() : room.hold(declared === null ? limit : Number(declared), receive);
}

/** {@link readBody} of a form or of JSON, which the hub reads as UTF-8: refused when its sender says that it is something else. */
export async function readUtf8(
  request: ReceivedRequest,
  limit: number,
  room?: BodyRoom,
): Promise<Uint8Array> {
  const body = await readBody(request, limit, room);
  const charset = charsetOf(request.headers['content-type'] ?? '');
  if (charset === undefined || isReadAsUtf8(charset, body)) return body;
  const detail =
    'the body is said to be in another charset than UTF-8: send it in UTF-8, and say so or say nothing';
  throw new WebSubError('unsupported_media_type', detail);
}

/** ASCII is the same in UTF-8 and in what senders call us-ascii or ISO-8859-1. */
function isReadAsUtf8(charset: string, body: Uint8Array): boolean {
  try {
    const { encoding } = new TextDecoder(charset);
    return encoding === 'utf-8' || (encoding === 'windows-1252' && isAscii(body));
  } catch {
    // A charset that nobody knows.
    return false;
  }
}
