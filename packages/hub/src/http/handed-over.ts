import type { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import { answerAlone } from './connection-of-stream.js';
import type { MessageKinds } from './message-kinds.js';
import { asOrdinaryRequest } from './ordinary-request.js';
import type { Upgrades } from './upgrades.js';

export interface HandedOverOptions {
  readonly upgrades: Upgrades;
  /** What the server makes answers as. */
  readonly kinds: MessageKinds;
}

/** Whether somebody wants nothing but events, or asks where there is nothing else. */
export function asksForStream({ method, url = '', headers }: IncomingMessage): boolean {
  return method === 'GET' && (headers.accept === 'text/event-stream' || url.startsWith('/v1/sse'));
}

/**
 * From now on connections that Node hands over come to whom they are for: those of WebSockets, and those of streams, whose
 * requests go the way of all others.
 */
export function takeHandedOver(server: Server, { upgrades, kinds }: HandedOverOptions): void {
  server.on('upgrade', (request, duplex, head) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') upgrades.take(request, duplex, head);
    else if (asksForStream(request) && duplex instanceof Socket)
      server.emit('request', request, answerAlone(new kinds.ServerResponse(request), duplex));
    else asOrdinaryRequest(server, request, duplex, head);
  });
}
