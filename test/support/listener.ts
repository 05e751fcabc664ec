import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as it came: names and bytes untouched. */
export interface Received {
  readonly method: string;
  /** Path and query exactly as on the wire. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Name, value, name, value, …, in the order and spelling of the wire. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Milliseconds on the clock of `performance.now()`, when the request was complete. */
  readonly at: number;
}

/**
 * How to answer. `hang` never answers and holds the connection; `reset` breaks it; a function writes the answer itself.
 */
export type Reply =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
      /** Called when the answer has left. */
      readonly sent?: () => void;
    }
  | 'hang'
  | 'reset'
  | ((response: ServerResponse) => void);

export interface Listener {
  /** Without a slash at the end. */
  readonly origin: string;
  /** Connections accepted so far. */
  connections(): number;
  /** Ends every connection; settles when the port is free. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** A loopback address; default 127.0.0.1. */
  readonly host?: string;
}

/** A real server on a loopback address that hands each complete request to `answer`. */
export async function listen(
  answer: (request: Received) => Reply | Promise<Reply>,
  options: ListenOptions = {},
): Promise<Listener> {
  const { host = '127.0.0.1' } = options;
  const handle = (incoming: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => undefined);
    incoming.on('end', () => {
      void Promise.resolve(answer(receivedOf(incoming, chunks))).then(
        (reply) => write(response, reply),
        (thrown: unknown) => response.destroy(new Error('a test answered by throwing', { cause: thrown })),
      );
    });
  };
  const server: Server =
    options.tls === undefined ? createServer(handle) : createTlsServer(options.tls, handle);
  let connections = 0;
  server.on('connection', () => connections++);
  // Idle connections stay: it is the client's business to end them, and a race would look like a failed delivery.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, 4096, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    connections: () => connections,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function receivedOf(incoming: IncomingMessage, chunks: readonly Buffer[]): Received {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers,
    rawHeaders: incoming.rawHeaders,
    body: Buffer.concat(chunks),
    at: performance.now(),
  };
}

function write(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return;
  if (reply === 'reset') {
    response.destroy();
    return;
  }
  if (typeof reply === 'function') {
    reply(response);
    return;
  }
  const { sent } = reply;
  if (sent !== undefined) response.on('finish', sent);
  response.writeHead(reply.status, reply.headers ?? {});
  response.end(reply.body);
}
