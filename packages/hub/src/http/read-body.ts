import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebSubError } from '@websub/shared';
import getRawBody from 'raw-body';
import type { BodyRoom } from './body-room.js';

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
