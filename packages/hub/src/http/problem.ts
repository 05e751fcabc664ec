import type { Response } from 'express';

/** Answers RFC 9457 problem details. `detail` tells the cure. */
export function sendProblem(response: Response, status: number, title: string, detail: string): void {
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', title, status, detail, instance: response.req.path }));
}

/** Answers the WebSub endpoint's way: a sentence as plain text (section 5.1.2). */
export function sendPlain(response: Response, status: number, sentence: string): void {
  response.status(status).type('text/plain').send(`${sentence}\n`);
}
