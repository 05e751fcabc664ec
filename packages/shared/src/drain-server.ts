import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Drainable {
  /**
   * Takes no new connection and ends those that carry no request; settles when the requests under way were answered, and
   * what was upgraded has ended. Harmless when the server does not listen.
   */
  readonly drain: () => Promise<void>;
  /** Drops every connection, whatever it carries: also those that were upgraded, which `closeAllConnections` does not know. */
  readonly cut: () => void;
}

/**
 * Prepares a server, before it listens, for being closed without waiting in vain. `Server.close` alone also waits for
 * connections on which nothing was ever sent (clients open some in advance), and for those that are kept alive after the
 * last answer.
 */
export function drainable(server: Server): Drainable {
  const sockets = new Set<Socket>();
  let draining = false;
  function forget(this: Socket): void {
    sockets.delete(this);
  }
  server.on('connection', (socket: Socket) => {
    // A connection may be given to the server anew, as often as a client asks for another protocol on it.
    if (sockets.has(socket)) return;
    sockets.add(socket);
    // One function for all: some connections last, and a hub has many.
    socket.on('close', forget);
  });
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.once('close', () => {
      if (draining) setImmediate(() => server.closeIdleConnections());
    });
  });
  return {
    drain: () =>
      new Promise((resolve) => {
        if (!server.listening) {
          resolve();
          return;
        }
        draining = true;
        server.close(() => resolve());
        server.closeIdleConnections();
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      }),
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
