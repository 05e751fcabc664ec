import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { StreamConnection } from '../bridge/event-wire.js';
import { destroyOnError } from './destroy-on-error.js';
import { forgetAnswer } from './last-answer.js';

// A stream is open for hours, and what Node keeps of a request, its answer and the parser is more than all that it needs. So
// Node hands its connection over, as it does for a WebSocket, and the answer is let go once its head is sent.

/** Answers to the only request that is still read on their connection. */
const ALONE = new WeakSet<ServerResponse>();

/** Gives the answer a connection that Node has handed over, and that ends with it. */
export function answerAlone(response: ServerResponse, socket: Socket): ServerResponse {
  ALONE.add(response);
  destroyOnError(socket);
  socket.on('end', end);
  // Nothing that comes now was asked for.
  response.req.complete = true;
  socket.resume();
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // A client may leave its side open for ever.
  response.once('finish', () => socket.destroySoon());
  return response;
}

// One for all: a stream keeps what its socket has.
function end(this: Socket): void {
  this.end();
}

/** Settles when the answers to earlier requests on the connection have gone; false when it has closed. */
export async function isItsTurn(response: ServerResponse): Promise<boolean> {
  const { socket } = response.req;
  if (response.socket === null && !socket.destroyed)
    await new Promise<void>((resolve) => {
      socket.once('close', resolve);
      response.once('socket', () => {
        socket.off('close', resolve);
        resolve();
      });
    });
  return !socket.destroyed;
}

/**
 * Sends the head of the answer, in one piece with what is sent in the same turn of the event loop. The connection belongs from
 * then on to whoever writes the rest, and ends with it. It has to be {@link isItsTurn}.
 */
export function takeConnection(response: ServerResponse): StreamConnection {
  const { socket } = response;
  if (socket === null) throw new Error('an answer before this one is still under way');
  response.shouldKeepAlive = false;
  socket.cork();
  process.nextTick(() => socket.uncork());
  response.flushHeaders();
  const isChunked = response.chunkedEncoding;
  if (ALONE.has(response)) {
    response.detachSocket(socket);
    forgetAnswer(socket);
  }
  return { socket, isChunked };
}
