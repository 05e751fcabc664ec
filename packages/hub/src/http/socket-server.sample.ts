import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemRandom, TestClock } from '@websub/shared';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { anybodysGrant } from '../access/grant.js';
import { Bridge } from '../bridge/bridge.js';
import { OwnTopics } from '../bridge/own-topics.js';
import type { StreamBounds } from '../bridge/streams.js';
import type { SocketProtocol } from '../bridge/socket/protocol.js';
import { MemoryConsumers } from '../contract/memory-consumers.js';
import { MemoryLog } from '../contract/memory-log.js';
import { HubEmitter } from '../events.js';
import { Gate } from '../gate/gate.js';
import { HotTail } from '../log/hot-tail.js';
import { takeHandedOver } from './handed-over.js';
import { shownCredential } from './shown-credential.js';
import { Upgrades, type UpgradesOptions } from './upgrades.js';

export const ADMIN_KEY = 'the-admin-key-of-a-unit';

export interface SocketServerOptions extends Partial<
  Pick<UpgradesOptions, 'corsOrigins' | 'dev' | 'isReady' | 'isTrusted'>
> {
  readonly bounds?: Partial<StreamBounds>;
  readonly reading?: boolean;
}

/** A server that speaks these protocols over a log in memory, whose time moves only when the test says so; ended with the test. */
export class SocketServer {
  readonly clock = new TestClock();
  readonly events = new HubEmitter();
  readonly log = new HotTail(new MemoryLog());
  readonly bridge: Bridge;
  readonly gate: Gate;
  /** How streams ended, in order. */
  readonly ends: string[] = [];
  readonly faults: unknown[] = [];
  /** Requests that were served over HTTP. */
  readonly ordinary: string[] = [];
  #port = 0;

  private constructor({ bounds = {}, reading = true }: SocketServerOptions) {
    const { clock, events, log } = this;
    this.gate = new Gate({
      credentials: NO_CREDENTIALS,
      anybody: anybodysGrant({ pings: true, content: false, reading, management: false }),
      adminKey: ADMIN_KEY,
      tokens: undefined,
      clock,
      random: systemRandom,
      events,
    });
    this.bridge = new Bridge({
      log,
      gate: this.gate,
      consumers: new MemoryConsumers(),
      consumerExpiryMs: Infinity,
      bounds: { inAll: 100, perAddress: 100, perSubject: 100, ...bounds },
      clock,
      random: systemRandom,
      events,
      ownTopics: new OwnTopics(() => 'https://hub.example/'),
    });
    events.on('stream-closed', ({ end }) => this.ends.push(end));
    events.on('fault', ({ error }) => this.faults.push(error));
  }

  static async start(
    protocols: (bridge: Bridge) => readonly SocketProtocol[],
    options: SocketServerOptions = {},
  ): Promise<SocketServer> {
    const room = new SocketServer(options);
    const { bridge, gate } = room;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        room.ordinary.push(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
        response.end('ordinary');
      });
    });
    const upgrades = new Upgrades({
      corsOrigins: [],
      isTrusted: () => false,
      dev: false,
      isReady: () => true,
      ...options,
      bridge,
      protocols: protocols(bridge),
      admit: (request) => gate.admit(shownCredential(request, { queryToken: false })),
      hubUrl: () => 'https://hub.example/',
    });
    takeHandedOver(server, { upgrades, kinds: { IncomingMessage, ServerResponse } });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    room.#port = (server.address() as AddressInfo).port;
    onTestFinished(() => {
      bridge.drain();
      gate.stop();
      server.closeAllConnections();
      server.close();
    });
    return room;
  }

  get port(): number {
    return this.#port;
  }

  /** A client of the `ws` library; ended with the test. */
  connect(path: string, subprotocols: readonly string[] = [], options: WebSocket.ClientOptions = {}): Client {
    return new Client(`ws://127.0.0.1:${this.#port}${path}`, subprotocols, options);
  }
}

/** What a client of the `ws` library has seen. */
export class Client {
  readonly socket: WebSocket;
  readonly texts: string[] = [];
  /** The code and the reason with which it was closed. */
  closed: string | undefined;
  /** The status with which the upgrade was refused. */
  refused: number | undefined;

  constructor(url: string, subprotocols: readonly string[], options: WebSocket.ClientOptions) {
    const socket = new WebSocket(url, [...subprotocols], options);
    this.socket = socket;
    socket.on('message', (data: Buffer) => this.texts.push(data.toString()));
    socket.on('close', (code, reason) => (this.closed = `${code} ${reason.toString()}`));
    socket.on('unexpected-response', (request, response) => {
      this.refused = response.statusCode;
      request.destroy();
    });
    socket.on('error', () => undefined);
    onTestFinished(() => socket.terminate());
  }

  /** The messages, which are JSON. */
  get messages(): unknown[] {
    return this.texts.map((text) => JSON.parse(text) as unknown);
  }

  say(value: unknown): void {
    this.socket.send(JSON.stringify(value));
  }
}

/** Settles when the probe holds; what happens on sockets happens in turns of the event loop. */
export async function until(probe: () => boolean): Promise<void> {
  while (!probe()) await new Promise((resolve) => setImmediate(resolve));
}

async function* nothing(): AsyncIterable<readonly never[]> {
  // There never was any.
}

const NO_CREDENTIALS = {
  loadCredentials: nothing,
  loadRevocations: nothing,
  addCredential: () => Promise.resolve(true),
  removeCredential: () => Promise.resolve(false),
  addRevocation: () => Promise.resolve(),
};
