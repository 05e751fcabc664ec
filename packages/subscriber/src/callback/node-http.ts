import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallbackAnswer, CallbackRequest, ReadBody } from './exchange.js';

/** A request of node:http, and what frameworks put on it. */
interface FrameworkRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly body?: unknown;
  readonly rawBody?: unknown;
}

/** A request of node:http, express, Nest or another framework on node:http. */
export function fromNode(request: IncomingMessage): CallbackRequest {
  const { originalUrl } = request as FrameworkRequest;
  const url = request.url ?? '/';
  return {
    method: request.method ?? 'GET',
    url,
    originalUrl: originalUrl ?? url,
    headers: headersOf(request),
    readBody: (limit) => readBody(request, limit),
  };
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return headers;
}

async function readBody(request: FrameworkRequest, limit: number): Promise<ReadBody> {
  const kept = [request.rawBody, request.body].find((body) => body instanceof Uint8Array);
  if (kept !== undefined)
    return kept.byteLength > limit ? { kind: 'too-large' } : { kind: 'bytes', bytes: kept };
  if (request.readableDidRead) return { kind: 'consumed' };
  // A parser has seen the end of it, and there was nothing before that.
  if (request.readableEnded) return { kind: 'bytes', bytes: new Uint8Array() };
  if (request.destroyed) return { kind: 'gone' };
  // Said beforehand, it need not be read.
  if (Number(request.headers['content-length'] ?? 0) > limit) return { kind: 'too-large' };
  return collect(request, limit);
}

function collect(request: IncomingMessage, limit: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.byteLength;
      if (length > limit) {
        request.pause();
        resolve({ kind: 'too-large' });
      } else {
        chunks.push(chunk);
      }
    });
    request.once('end', () => resolve({ kind: 'bytes', bytes: Buffer.concat(chunks) }));
    request.once('close', () => resolve({ kind: 'gone' }));
  });
}

/** Writes an answer; one that closes the connection does so at once, whatever is still being sent. */
export function toNode(response: ServerResponse, { status, headers, body }: CallbackAnswer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, headers);
  response.end(status === 204 ? undefined : body);
}
