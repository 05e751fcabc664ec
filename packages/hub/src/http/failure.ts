import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebSubError } from '@websub/shared';
import type { HubEmitter } from '../events.js';
import { isAnswered, sendComplaint } from './problem.js';

const STATUS: Partial<Record<WebSubError['code'], number>> = {
  invalid_request: 400,
  forbidden_address: 400,
  denied: 401,
  gone: 410,
  unsupported_media_type: 415,
  too_large: 413,
  retry_later: 429,
  store_full: 507,
  store_failed: 503,
  stopped: 503,
};

/**
 * One place turns errors into answers. What a stranger sent is never a 5xx; what is broken here never says how. `route` is the
 * pattern that was taken: the path itself may be a capability.
 */
export function answerFailure(
  events: HubEmitter,
  error: unknown,
  response: ServerResponse<IncomingMessage>,
  route: string,
): void {
  // It was refused already, because the store was late.
  if (isAnswered(response)) return;
  const { req: request } = response;
  if (response.headersSent) {
    // Half an answer must not look like a whole one.
    request.socket.destroy();
    return;
  }
  const { status, sentence } = answerTo(error);
  if (status >= 500) events.emit('fault', { where: `${request.method} ${route}`, error });
  if (status >= 500 || status === 429) response.setHeader('Retry-After', '5');
  sendComplaint(response, status, sentence);
}

function answerTo(error: unknown): { readonly status: number; readonly sentence: string } {
  if (error instanceof WebSubError) {
    const status = STATUS[error.code];
    if (status !== undefined && status < 500) return { status, sentence: error.message };
    if (status === 507) return { status, sentence: 'the hub has no room to store this: try again later' };
    if (status !== undefined)
      return { status, sentence: 'the hub cannot store this at the moment: try again later' };
  }
  const status = statusOf(error);
  switch (status) {
    case 413:
      return { status, sentence: 'the body is too large: send less' };
    case undefined:
      return { status: 500, sentence: 'the hub failed: try again later' };
    default:
      return { status, sentence: 'the request could not be read: check how it is sent' };
  }
}

/** The 4xx status that express and its body parser give their own errors. */
function statusOf(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}
