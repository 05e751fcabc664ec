import type { CallbackAnswer, CallbackRequest, ReadBody } from './exchange.js';

/** A request of the Fetch standard. */
export function fromFetch(request: Request): CallbackRequest {
  const { pathname, search } = new URL(request.url);
  const url = pathname + search;
  return {
    method: request.method,
    url,
    originalUrl: url,
    headers: request.headers,
    readBody: (limit) => readBody(request, limit),
  };
}

async function readBody(request: Request, limit: number): Promise<ReadBody> {
  if (request.bodyUsed) return { kind: 'consumed' };
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    // The types of the DOM do not know that a body can be iterated.
    for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength;
      if (length > limit) return { kind: 'too-large' };
      chunks.push(chunk);
    }
  } catch {
    return { kind: 'gone' };
  }
  return { kind: 'bytes', bytes: Buffer.concat(chunks) };
}

/** Statuses whose response has no body (Fetch standard, "null body status"). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

export function toFetch({ status, headers, body }: CallbackAnswer): Response {
  return new Response(WITHOUT_BODY.has(status) ? null : body, { status, headers });
}
