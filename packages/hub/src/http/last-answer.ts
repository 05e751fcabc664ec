import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answer to the last request that came over each connection. */
const LAST = new WeakMap<Duplex, ServerResponse>();

export function noteAnswer(response: ServerResponse): void {
  LAST.set(response.req.socket, response);
}

export function lastAnswerOn(connection: Duplex): ServerResponse | undefined {
  return LAST.get(connection);
}

/** No further request comes over the connection. */
export function forgetAnswer(connection: Duplex): void {
  LAST.delete(connection);
}
