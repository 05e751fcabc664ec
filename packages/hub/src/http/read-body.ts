import { WebSubError } from '@websub/shared';
import type { Request } from 'express';
import getRawBody from 'raw-body';

/** The whole body. A longer one is refused as soon as that is known: by its declared length before it is read. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const coding = request.get('content-encoding') ?? 'identity';
  if (coding.toLowerCase() !== 'identity')
    throw new WebSubError('unsupported_media_type', 'the body has a Content-Encoding: send it plain');
  return getRawBody(request, { limit, length: request.get('content-length') ?? null });
}
