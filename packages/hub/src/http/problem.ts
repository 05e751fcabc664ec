import { STATUS_CODES } from 'node:http';
import type { Request, Response } from 'express';

/** Whoever sends nothing for so long sends no more. */
const PAUSE_MS = 1_000;

/** Answers RFC 9457 problem details. `detail` tells the cure. */
export function sendProblem(response: Response, status: number, detail: string): void {
  response.status(status).type('application/problem+json');
  send(response, problemText(status, detail, pathOf(response.req)));
}

export function problemText(status: number, detail: string, instance: string): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, instance });
}

const sentEarly = new WeakSet<Response>();

/** Whether nothing is missing of the answer but its end. */
export function isAnswered(response: Response): boolean {
  return response.writableEnded || sentEarly.has(response);
}

// A request that has none is not complete either before it was handled.
function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Answers the WebSub endpoint's way: a sentence as plain text (section 5.1.2). */
export function sendPlain(response: Response, status: number, sentence: string): void {
  response.status(status).type('text/plain');
  send(response, `${sentence}\n`);
}

/**
 * Sends the answer, and ends the connection when the rest of the request is still to come. A client that is cut off while it
 * sends never sees the answer, so what it sends is thrown away until it is done or pauses; the server's own limit for
 * a request bounds that.
 */
function send(response: Response, text: string): void {
  const { req: request } = response;
  if (request.complete || !hasBody(request)) {
    response.send(text);
    return;
  }
  const end = (): void => {
    response.end();
  };
  sentEarly.add(response);
  response.set({ Connection: 'close', 'Content-Length': String(Buffer.byteLength(text)) });
  response.write(text);
  request.once('end', end);
  request.setTimeout(PAUSE_MS, end);
  request.resume();
}

/** The whole path that was asked for, also below a router, where express cuts it. Without the query: it may hold a token. */
export function pathOf({ originalUrl }: Request): string {
  return originalUrl.split('?', 1)[0]!;
}
