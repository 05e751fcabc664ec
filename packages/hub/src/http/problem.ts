import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';

/** Whoever sends nothing for so long sends no more. */
const PAUSE_MS = 1_000;

/** Answers RFC 9457 problem details. `detail` tells the cure. */
export function sendProblem(response: ServerResponse, status: number, detail: string): void {
  send(response, status, 'application/problem+json', problemText(status, detail, pathOf(response.req)));
}

export function problemText(status: number, detail: string, instance: string): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, instance });
}

const sentEarly = new WeakSet<ServerResponse>();

/** Whether nothing is missing of the answer but its end. */
export function isAnswered(response: ServerResponse): boolean {
  return response.writableEnded || sentEarly.has(response);
}

// A request that has none is not complete either before it was handled.
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Answers the WebSub endpoint's way: a sentence as plain text (section 5.1.2). */
export function sendPlain(response: ServerResponse, status: number, sentence: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${sentence}\n`);
}

/** Answers as the API does below its paths, and as the WebSub endpoint does elsewhere. */
export function sendComplaint(response: ServerResponse, status: number, sentence: string): void {
  const answer = /^\/(?:api\/)?v1\//.test(pathOf(response.req)) ? sendProblem : sendPlain;
  answer(response, status, sentence);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/**
 * Sends the answer, and ends the connection when the rest of the request is still to come. A client that is cut off while it
 * sends never sees the answer, so what it sends is thrown away until it is done or pauses; the server's own limit for
 * a request bounds that.
 */
function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  const { req: request } = response;
  response.statusCode = status;
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Length', Buffer.byteLength(text));
  if (request.complete || !hasBody(request)) {
    response.end(text);
    return;
  }
  const end = (): void => {
    response.end();
  };
  sentEarly.add(response);
  response.setHeader('Connection', 'close');
  response.write(text);
  request.once('end', end);
  request.setTimeout(PAUSE_MS, end);
  request.resume();
}

/** The whole path that was asked for, also below a router, where express cuts it. Without the query: it may hold a token. */
export function pathOf(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return (request.originalUrl ?? request.url ?? '').split('?', 1)[0]!;
}
