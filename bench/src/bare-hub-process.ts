import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { MessageStream } from './message-stream.js';
import { serveCalls } from './process.js';
import { secretOf } from './update.js';
import type { BaselinePlan } from './baseline.js';

// The limit: what Node can do at all. Keeps nothing, checks nothing, guards nothing: heads are built beforehand, sockets
// stay open, and a delivery is an HMAC and one write.

interface Target {
  readonly head: string;
  readonly key: KeyObject;
}

interface Publication {
  readonly tail: string;
  readonly body: Buffer;
  readonly text: string;
}

/** Larger ones are written as they are, in a second piece: copying them into one string costs more. */
const LARGE_BYTES = 16 * 1024;

class Origin {
  readonly #port: number;
  readonly #connections: number;
  readonly #idle: Socket[] = [];
  readonly #queue: [Target, Publication][] = [];
  #next = 0;
  #open = 0;

  constructor(port: number, connections: number) {
    this.#port = port;
    this.#connections = connections;
  }

  send(target: Target, publication: Publication): void {
    this.#queue.push([target, publication]);
    const socket = this.#idle.pop();
    if (socket !== undefined) this.#write(socket);
    else if (this.#open < this.#connections) this.#connect();
  }

  #connect(): void {
    this.#open += 1;
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    const stream = new MessageStream(() => this.#write(socket));
    socket.on('data', (chunk) => stream.push(chunk));
    // Whoever refuses is given nothing; nothing is tried again.
    socket.on('error', () => socket.destroy());
    this.#write(socket);
  }

  #write(socket: Socket): void {
    const next = this.#queue[this.#next];
    if (next === undefined) {
      this.#queue.length = this.#next = 0;
      this.#idle.push(socket);
      return;
    }
    this.#next += 1;
    const [{ head, key }, { tail, body, text }] = next;
    const signature = createHmac('sha256', key).update(body).digest('hex');
    if (body.byteLength < LARGE_BYTES) {
      socket.write(head + signature + tail + text, 'latin1');
      return;
    }
    socket.cork();
    socket.write(head + signature + tail, 'latin1');
    socket.write(body);
    socket.uncork();
  }
}

const origins = new Map<string, Origin>();
const byTopic = new Map<string, { readonly origin: Origin; readonly target: Target }[]>();

const server = createServer((request, response) => {
  const topic = new URL(request.url ?? '', 'http://hub').searchParams.get('hub.topic') ?? '';
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(202).end();
    const body = Buffer.concat(chunks);
    const tail = `\r\ncontent-length: ${body.byteLength}\r\n\r\n`;
    const publication = { tail, body, text: body.byteLength < LARGE_BYTES ? body.toString('latin1') : '' };
    for (const { origin, target } of byTopic.get(topic) ?? []) origin.send(target, publication);
  });
});

serveCalls({
  listen: async ({ callbacks, topics, perOrigin }: BaselinePlan): Promise<string> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (const [n, callback] of callbacks.entries()) {
      const { host, port, pathname } = new URL(callback);
      const origin = origins.get(host) ?? new Origin(Number(port), perOrigin);
      origins.set(host, origin);
      const topic = topics[n % topics.length] ?? '';
      const head =
        `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/octet-stream\r\n` +
        `link: <${hub}>; rel="hub", <${topic}>; rel="self"\r\nx-hub-signature: sha256=`;
      const target = { head, key: createSecretKey(Buffer.from(secretOf(n))) };
      const targets = byTopic.get(topic) ?? [];
      byTopic.set(topic, targets);
      targets.push({ origin, target });
    }
    return hub;
  },
});
