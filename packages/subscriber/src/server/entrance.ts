import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { Server as TlsServer } from 'node:tls';
import { drainable, WebSubError, type Drainable } from '@websub/shared';

/** The way in, as the three forms of a listener have it. */
export interface Entrance {
  /** Opens it; settles with the URL under which it is reached on this machine, if it knows one. */
  open(): Promise<string | undefined>;
  /** Takes no new requests; settles when those under way are answered. */
  close(): Promise<void>;
  /** Cuts off whoever is still connected. */
  cut(): void;
}

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** An app that middleware can be mounted on, such as express's. */
export interface MountableApp {
  use(path: string, handler: unknown): unknown;
}

// Slow senders are cut off early; Node's own limits are minutes.
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
} as const;

/** A server of the listener's own on `port`; 0 takes a free one. */
export class OwnServer implements Entrance {
  readonly #port: number;
  readonly #host: string | undefined;
  readonly #listener: RequestListener;
  #connections: Drainable | undefined;

  constructor(port: number, host: string | undefined, listener: RequestListener) {
    this.#port = port;
    this.#host = host;
    this.#listener = listener;
  }

  open(): Promise<string> {
    const server = createServer(LIMITS, this.#listener);
    this.#connections = drainable(server);
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => reject(cannotListen(this.#port, this.#host, cause)));
      server.listen({ port: this.#port, ...(this.#host === undefined ? {} : { host: this.#host }) }, () =>
        resolve(urlOf(server) ?? ''),
      );
    });
  }

  async close(): Promise<void> {
    await this.#connections?.drain();
  }

  cut(): void {
    this.#connections?.cut();
  }
}

/** Takes a request, or leaves it to `next`, which tells whether anybody else listens for it. */
export type ServerGuest = (request: IncomingMessage, response: ServerResponse, next: () => boolean) => void;

/**
 * A server that somebody else opens and closes. Requests that are no callbacks are left to its other listeners, which see
 * no callback: an app among them would answer it 404, whichever of the two was there first. A listener cannot keep an
 * event from the others, hence `emit`.
 */
export class GivenServer implements Entrance {
  readonly #server: Server | SecureServer;

  constructor(server: Server | SecureServer, guest: ServerGuest) {
    this.#server = server;
    const emit: (name: string, ...values: unknown[]) => boolean = server.emit.bind(server);
    const emitUnlessTaken = (name: string, ...values: unknown[]): boolean => {
      const [request, response] = values;
      if (
        name !== 'request' ||
        !(request instanceof IncomingMessage) ||
        !(response instanceof ServerResponse)
      )
        return emit(name, ...values);
      guest(request, response, () => emit(name, ...values));
      return true;
    };
    Object.defineProperty(server, 'emit', { value: emitUnlessTaken, configurable: true, writable: true });
  }

  open(): Promise<string | undefined> {
    return Promise.resolve(urlOf(this.#server));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  cut(): void {
    // Its connections are not ours.
  }
}

/** An app that somebody else runs. */
export class GivenApp implements Entrance {
  constructor(app: MountableApp, path: string, handler: unknown) {
    app.use(path, handler);
  }

  open(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  cut(): void {
    // Its connections are not ours.
  }
}

/** Where a server listens, as this machine reaches it. */
export function urlOf(server: Server | SecureServer): string | undefined {
  const address = server.address();
  if (typeof address !== 'object' || address === null) return undefined;
  const scheme = server instanceof TlsServer ? 'https' : 'http';
  const everywhere = address.address === '::' || address.address === '0.0.0.0';
  const host = everywhere
    ? '127.0.0.1'
    : address.family === 'IPv6'
      ? `[${address.address}]`
      : address.address;
  return `${scheme}://${host}:${address.port}/`;
}

function cannotListen(port: number, host: string | undefined, cause: NodeJS.ErrnoException): WebSubError {
  const why = cause.code ?? cause.message;
  const message =
    host === undefined || why === 'EADDRINUSE' || why === 'EACCES'
      ? `port ${port} cannot be listened on (${why}): choose another, or end what uses it`
      : `host ${host} cannot be listened on (${why}): give an address of this machine`;
  return new WebSubError('invalid_configuration', message, { cause });
}
