import { createHash } from 'node:crypto';
import { listen, type ListenOptions, type Listener, type Received, type Reply } from './listener.js';

/** A GET of a hub: a verification of intent, or a denial. */
export interface Intent extends Received {
  readonly query: URLSearchParams;
  readonly mode: string;
  readonly topic: string;
  /** Empty in a denial. */
  readonly challenge: string;
}

export interface Delivered extends Received {
  /** SHA-256 of the body in hex; the body itself may have been dropped (`keepBodies`). */
  readonly digest: string;
  readonly text: string;
}

export type IntentAnswer = (intent: Intent, nth: number) => Reply | Promise<Reply>;
export type DeliveryAnswer = (delivery: Delivered, nth: number) => Reply | Promise<Reply>;

/** Confirms: 200 and the challenge, as websub.rocks answers. */
export const echo: IntentAnswer = ({ challenge }) => ({
  status: 200,
  headers: { 'content-type': 'application/octet-stream' },
  body: challenge,
});

/** One callback: what reached it, and how it answers. */
export class Callback {
  /** Every GET with a `hub.mode`, denials included, in the order of arrival. */
  readonly intents: Intent[] = [];
  readonly deliveries: Delivered[] = [];
  /** Anything else that reached it. */
  readonly others: Received[] = [];
  onIntent: IntentAnswer = echo;
  onDelivery: DeliveryAnswer = () => ({ status: 204 });

  constructor(readonly url: string) {}

  /** The verifications of one mode that arrived so far. */
  verifications(mode: 'subscribe' | 'unsubscribe' = 'subscribe'): Intent[] {
    return this.intents.filter((intent) => intent.mode === mode);
  }

  get texts(): string[] {
    return this.deliveries.map(({ text }) => text);
  }

  async answer(request: Received, keepBodies: boolean): Promise<Reply> {
    if (request.method === 'GET') {
      const intent = intentOf(request);
      if (intent === undefined) {
        this.others.push(request);
        return { status: 404 };
      }
      this.intents.push(intent);
      if (intent.mode === 'denied') return { status: 200 };
      return this.onIntent(
        intent,
        this.verifications(intent.mode === 'unsubscribe' ? 'unsubscribe' : 'subscribe').length,
      );
    }
    if (request.method !== 'POST') {
      this.others.push(request);
      return { status: 405 };
    }
    const digest = createHash('sha256').update(request.body).digest('hex');
    const body = keepBodies ? request.body : Buffer.alloc(0);
    const delivery: Delivered = { ...request, body, digest, text: body.toString() };
    this.deliveries.push(delivery);
    return this.onDelivery(delivery, this.deliveries.length);
  }
}

/** Where the callback's own query holds the same names, the hub's value is the last one, since hubs append. */
function intentOf(request: Received): Intent | undefined {
  const query = new URLSearchParams(/\?(.*)$/s.exec(request.path)?.[1] ?? '');
  const last = (name: string): string => query.getAll(name).at(-1) ?? '';
  const mode = last('hub.mode');
  if (mode === '') return undefined;
  return { ...request, query, mode, topic: last('hub.topic'), challenge: last('hub.challenge') };
}

export interface CallbackServer {
  readonly origin: string;
  /** A new callback at a path of its own, followed by `rest` (such as `?a=b`). */
  callback(rest?: string): Callback;
  /** Requests to paths that no callback has. */
  readonly strays: readonly Received[];
  connections(): number;
  close(): Promise<void>;
}

export interface CallbackServerOptions extends ListenOptions {
  /** False keeps digests and headers only, for large bodies. Default true. */
  readonly keepBodies?: boolean;
}

/** A real HTTP server on 127.0.0.1 with as many callbacks as wanted. */
export async function startCallbacks(options: CallbackServerOptions = {}): Promise<CallbackServer> {
  const callbacks = new Map<string, Callback>();
  const strays: Received[] = [];
  const listener: Listener = await listen((request) => {
    const callback = callbacks.get(/^\/[^/?]*/.exec(request.path)?.[0] ?? '');
    if (callback !== undefined) return callback.answer(request, options.keepBodies ?? true);
    strays.push(request);
    return { status: 404 };
  }, options);
  return {
    origin: listener.origin,
    callback: (rest = '') => {
      const path = `/c${callbacks.size + 1}`;
      const callback = new Callback(listener.origin + path + rest);
      callbacks.set(path, callback);
      return callback;
    },
    strays,
    connections: () => listener.connections(),
    close: () => listener.close(),
  };
}
