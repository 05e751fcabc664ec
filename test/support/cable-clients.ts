import { createCable, type Channel } from '@anycable/core';
import { adapters, createConsumer, type Subscription } from '@rails/actioncable';
import { WebSocket } from 'ws';
import type { HubAddress } from './requests.js';

/** A client library that reads a subscription and comes back by itself. */
export interface CableClient {
  /** What it was given so far, in order. */
  readonly messages: Readonly<Record<string, unknown>>[];
  /** What else happened: `connected`, `rejected`, `history_received` … */
  readonly happened: string[];
  perform(action: string, data?: object): void;
  /** Comes back now, and does not wait for its own time. */
  hurry(): void;
  close(): void;
}

export function cableUrl({ url }: HubAddress, path = 'cable'): string {
  return new URL(path, url).href.replace(/^http/, 'ws');
}

/** What an application of Rails' client may do besides. */
export interface RailsManner {
  /** By which a page shows a credential. */
  readonly subprotocol?: string;
  readonly onMessage?: (message: Readonly<Record<string, unknown>>, client: CableClient) => void;
}

/** Rails' own client, which wants a page around it. */
export class RailsClients {
  readonly #document: unknown = Reflect.get(globalThis, 'document');
  readonly #onVisible = new Set<() => void>();
  readonly #clients = new Set<CableClient>();

  constructor() {
    adapters.WebSocket = WebSocket;
    Object.assign(globalThis, {
      document: { visibilityState: 'visible' },
      addEventListener: (name: string, listener: () => void) =>
        void (name === 'visibilitychange' && this.#onVisible.add(listener)),
      removeEventListener: (_name: string, listener: () => void) => void this.#onVisible.delete(listener),
    });
  }

  /** `identifier` is an object with a channel, as an application writes it. */
  open(url: string, identifier: object, { subprotocol, onMessage }: RailsManner = {}): CableClient {
    const messages: Record<string, unknown>[] = [];
    const happened: string[] = [];
    const consumer = createConsumer(url);
    if (subprotocol !== undefined) consumer.addSubProtocol(subprotocol);
    const subscription: Subscription = consumer.subscriptions.create(identifier, {
      connected: () => void happened.push('connected'),
      disconnected: () => void happened.push('disconnected'),
      rejected: () => void happened.push('rejected'),
      received: (message) => {
        messages.push(message as Record<string, unknown>);
        onMessage?.(message as Record<string, unknown>, client);
      },
    });
    const client: CableClient = {
      messages,
      happened,
      perform: (action: string, data: object = {}) => void subscription.perform(action, data),
      // Whoever looks at the page again does not want to wait.
      hurry: () => this.#onVisible.forEach((listener) => listener()),
      close: () => consumer.disconnect(),
    };
    this.#clients.add(client);
    return client;
  }

  /** Ends all clients, and takes the page away; their WebSocket stays, since one may be about to come back already. */
  close(): void {
    for (const client of this.#clients) client.close();
    Object.assign(globalThis, { document: this.#document });
  }
}

/** AnyCable's client, which speaks its extended protocol. */
export function anyCable(
  url: string,
  channel: string,
  params: object,
  auth?: object,
): CableClient & { readonly subscription: Channel } {
  const messages: Record<string, unknown>[] = [];
  const happened: string[] = [];
  const cable = createCable(url, {
    protocol: 'actioncable-v1-ext-json',
    websocketImplementation: WebSocket,
    reconnectStrategy: () => 100,
    logLevel: 'error',
    ...auth,
  });
  const subscription = cable.subscribeTo(channel, { ...params });
  subscription.on('connect', () => happened.push('connected'));
  subscription.on('disconnect', () => happened.push('disconnected'));
  subscription.on('close', () => happened.push('closed'));
  subscription.on('info', ({ type }: { type: string }) => happened.push(type));
  subscription.on('message', (message: unknown) => messages.push(message as Record<string, unknown>));
  return {
    subscription,
    messages,
    happened,
    perform: (action, data = {}) => void subscription.perform(action, data),
    hurry: () => undefined,
    close: () => cable.disconnect(),
  };
}
