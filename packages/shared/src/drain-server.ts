import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Prepares a server, before it listens, for being closed without waiting in vain. `Server.close` alone also waits for
 * connections on which nothing was ever sent (clients open some in advance), and for those that are kept alive after the
 * last answer.
 *
 * The function returned takes no new connection and ends those that carry no request; it settles when the requests under
 * way were answered. Harmless when the server does not listen.
 */
export function drainable(server: Server): () => Promise<void> {
  const sockets = new Set<Socket>();
  let draining = false;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.once('close', () => {
      if (draining) setImmediate(() => server.closeIdleConnections());
    });
  });
  return () =>
    new Promise((resolve) => {
      if (!server.listening) {
        resolve();
        return;
      }
      draining = true;
      server.close(() => resolve());
      server.closeIdleConnections();
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    });
}
