import type { RequestHandler, Response } from 'express';
import type { HubEmitter } from '../events.js';
import { pathOf, sendPlain, sendProblem } from './problem.js';

export interface StoreGuardOptions {
  readonly isStalled: () => boolean;
  readonly events: HubEmitter;
}

const SENTENCE = 'the hub cannot store or read anything at the moment: try again later';
const RETRY_AFTER_SECONDS = 5;

/**
 * In front of what needs the store: while the disk does not answer, these requests are refused at once, and those that
 * wait when that is noticed are refused then. What they asked for may still be stored: nobody was told that it is.
 */
export function storeGuard({ isStalled, events }: StoreGuardOptions): RequestHandler {
  const waiting = new Set<Response>();
  events.on('store-stalled', () => {
    for (const response of waiting) refuse(response);
  });
  return (_request, response, next) => {
    if (isStalled()) {
      refuse(response);
      return;
    }
    waiting.add(response);
    response.once('close', () => waiting.delete(response));
    next();
  };
}

function refuse(response: Response): void {
  if (response.headersSent) return;
  response.set('Retry-After', String(RETRY_AFTER_SECONDS));
  if (pathOf(response.req).startsWith('/v1/')) sendProblem(response, 503, SENTENCE);
  else sendPlain(response, 503, SENTENCE);
}
