import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HubEmitter } from '../events.js';
import { sendComplaint } from './problem.js';

export interface StoreGuardOptions {
  readonly isStalled: () => boolean;
  readonly events: HubEmitter;
}

/** A handler of express, and of whoever has Node's objects only. */
export type StoreGuard = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

const SENTENCE = 'the hub cannot store or read anything at the moment: try again later';
const RETRY_AFTER_SECONDS = 5;

/**
 * In front of what needs the store: while the disk does not answer, these requests are refused at once, and those that
 * wait when that is noticed are refused then. What they asked for may still be stored: nobody was told that it is.
 */
export function storeGuard({ isStalled, events }: StoreGuardOptions): StoreGuard {
  const waiting = new Set<ServerResponse>();
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

function refuse(response: ServerResponse): void {
  if (response.headersSent) return;
  response.setHeader('Retry-After', String(RETRY_AFTER_SECONDS));
  sendComplaint(response, 503, SENTENCE);
}
