import type { ServerResponse } from 'node:http';
import { sendPlain } from './problem.js';

/** Answers whoever comes before the hub is ready, or while it stops. */
export function sendNotReady(response: ServerResponse): void {
  response.setHeader('Retry-After', '1');
  response.setHeader('Connection', 'close');
  sendPlain(response, 503, 'the hub is starting or stopping: try again in a second');
}
