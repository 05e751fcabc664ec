import type { ServerResponse } from 'node:http';
import type { Refusal } from '../protocol/admission.js';
import { sendPlain } from './problem.js';

/** Answers 429, and when to try again. */
export function sendTooMany(response: ServerResponse, { detail, retryAfterMs }: Refusal): void {
  const seconds = Math.ceil(retryAfterMs / 1000);
  response.setHeader('Retry-After', String(seconds));
  sendPlain(response, 429, `${detail}: try again in ${seconds} s`);
}
