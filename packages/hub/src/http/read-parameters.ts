import { FORM_CONTENT_TYPE, mediaTypeOf, parseForm, WebSubError } from '@websub/shared';
import type { Request } from 'express';
import { readUtf8 } from './read-body.js';

const LONGEST_BODY_BYTES = 1024 * 1024;
const MOST_PARAMETERS = 1_024;

/** The parameters of the address and, with QUERY and POST, those of a form in the body. Throws `invalid_request` and its like. */
export async function readParameters(request: Request): Promise<URLSearchParams> {
  const start = request.originalUrl.indexOf('?');
  const params = parseForm(
    Buffer.from(start < 0 ? '' : request.originalUrl.slice(start + 1)),
    MOST_PARAMETERS,
  );
  if (request.method === 'GET' || request.method === 'HEAD') return params;
  const body = await readUtf8(request, LONGEST_BODY_BYTES);
  if (body.byteLength === 0) return params;
  if (mediaTypeOf(request.get('content-type') ?? '') !== FORM_CONTENT_TYPE)
    throw new WebSubError('unsupported_media_type', `send a form (Content-Type: ${FORM_CONTENT_TYPE})`);
  for (const [name, value] of parseForm(body, MOST_PARAMETERS)) params.append(name, value);
  return params;
}
