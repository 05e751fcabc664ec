import { STATUS_CODES } from 'node:http';
import type { Request, Response } from 'express';

/** Answers RFC 9457 problem details. `detail` tells the cure. */
export function sendProblem(response: Response, status: number, detail: string): void {
  response
    .status(status)
    .type('application/problem+json')
    .send(problemText(status, detail, pathOf(response.req)));
}

export function problemText(status: number, detail: string, instance: string): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail, instance });
}

/** Answers the WebSub endpoint's way: a sentence as plain text (section 5.1.2). */
export function sendPlain(response: Response, status: number, sentence: string): void {
  response.status(status).type('text/plain').send(`${sentence}\n`);
}

/** The whole path that was asked for, also below a router, where express cuts it. Without the query: it may hold a token. */
export function pathOf({ originalUrl }: Request): string {
  return originalUrl.split('?', 1)[0]!;
}
