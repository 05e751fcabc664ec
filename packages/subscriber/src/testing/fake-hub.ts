import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  formatLinkHeader,
  headerText,
  intentUrl,
  NetworkPolicy,
  parseHubRequest,
  sign,
  systemRandom,
  UndiciHttpClient,
  type HttpResponse,
  type IntentQuery,
  type SignatureMethod,
  type SubscribeRequest,
  type UnsubscribeRequest,
} from '@websub/shared';

/** A request that a hub was sent. */
export type HubRequestSeen = (SubscribeRequest | UnsubscribeRequest) & {
  /** The form as it came, in which further parameters stand too. */
  readonly form: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
};

/** A subscription that a subscriber confirmed. */
export interface HubSubscription {
  readonly callback: string;
  readonly topic: string;
  readonly secret: string | undefined;
  readonly leaseSeconds: number;
}

export interface FakeHubOptions {
  /** When a request is verified: before it is answered (default), after it, or only by {@link FakeHub.verify}. */
  readonly verify?: 'before' | 'after' | 'never';
  /** Granted where nothing was asked for, and at most. Default 864,000. */
  readonly leaseSeconds?: number;
}

/** What the fake hub answers instead of 202. */
export interface HubReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface DeliverOptions {
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A method, `'none'`, or any other value of X-Hub-Signature. Default sha256 where there is a secret. */
  readonly signature?: SignatureMethod | 'none' | { readonly value: string };
}

/** What a callback answered. */
export interface CallbackReply {
  readonly status: number;
  readonly body: string;
  header(name: string): string | undefined;
}

const METHODS: ReadonlySet<string> = new Set(['sha1', 'sha256', 'sha384', 'sha512']);

/**
 * A hub in this process, on a loopback port, for tests of subscribers. It keeps every request, asks callbacks as a real
 * hub does, and delivers when it is told to.
 */
export class FakeHub implements AsyncDisposable {
  readonly url: string;
  /** In the order in which they came. */
  readonly requests: HubRequestSeen[] = [];
  /** What callbacks answered when they were asked for their intent. */
  readonly verifications: CallbackReply[] = [];
  /** Confirmed and not ended. Key: callback and topic. */
  readonly subscriptions = new Map<string, HubSubscription>();
  /** Set it to answer requests otherwise; `undefined` is 202 and a verification. */
  reply: ((request: HubRequestSeen) => HubReply | undefined | Promise<HubReply | undefined>) | undefined;
  readonly #server: Server;
  readonly #client = new UndiciHttpClient({ policy: new NetworkPolicy({ allowLoopback: true }) });
  readonly #options: FakeHubOptions;

  private constructor(server: Server, url: string, options: FakeHubOptions) {
    this.#server = server;
    this.url = url;
    this.#options = options;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#receive(request, response).catch((thrown: unknown) =>
        response.writeHead(400).end(String(thrown)),
      );
    });
  }

  /** Starts one on a free port. */
  static async start(options: FakeHubOptions = {}): Promise<FakeHub> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return new FakeHub(server, `http://127.0.0.1:${port}/`, options);
  }

  /** The only subscription; throws when there are none or several. */
  get subscription(): HubSubscription {
    const [only, ...others] = this.subscriptions.values();
    if (only === undefined || others.length > 0) {
      throw new Error(`the hub has ${this.subscriptions.size} subscriptions, not one`);
    }
    return only;
  }

  /** The subscription to this topic; throws when there is none. */
  subscriptionTo(topic: string): HubSubscription {
    const found = [...this.subscriptions.values()].find((subscription) => subscription.topic === topic);
    if (found === undefined) throw new Error(`the hub has no subscription to ${topic}`);
    return found;
  }

  /** The newest request; throws when there was none. */
  get lastRequest(): HubRequestSeen {
    const last = this.requests.at(-1);
    if (last === undefined) throw new Error('the hub was not asked for anything');
    return last;
  }

  /** Asks a callback for its intent. A confirmed one is (no longer) subscribed. */
  async verify(request: SubscribeRequest | UnsubscribeRequest): Promise<CallbackReply> {
    const { mode, topic, callback } = request;
    const most = this.#options.leaseSeconds ?? 864_000;
    const leaseSeconds = Math.min(mode === 'subscribe' ? (request.leaseSeconds ?? most) : most, most);
    const challenge = systemRandom.token(32);
    const query: IntentQuery =
      mode === 'subscribe' ? { mode, topic, challenge, leaseSeconds } : { mode, topic, challenge };
    const reply = await this.ask(callback, query);
    this.verifications.push(reply);
    if (reply.status < 200 || reply.status > 299 || reply.body !== challenge) return reply;
    const key = JSON.stringify([callback, topic]);
    if (mode === 'unsubscribe') this.subscriptions.delete(key);
    else this.subscriptions.set(key, { callback, topic, secret: request.secret, leaseSeconds });
    return reply;
  }

  /** Tells a callback that its subscription is denied. */
  deny(callback: string, topic: string, reason?: string): Promise<CallbackReply> {
    return this.ask(callback, { mode: 'denied', topic, ...(reason === undefined ? {} : { reason }) });
  }

  /** Sends any question to a callback. */
  async ask(callback: string, query: IntentQuery): Promise<CallbackReply> {
    return this.#send('GET', intentUrl(callback, query), {});
  }

  /** Delivers to one subscription. */
  deliver(
    { callback, topic, secret }: HubSubscription,
    body: string | Uint8Array,
    { contentType = 'application/json', headers = {}, signature = 'sha256' }: DeliverOptions = {},
  ): Promise<CallbackReply> {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const signed = signatureOf(bytes, secret, signature);
    const link = formatLinkHeader([
      { rel: 'hub', href: this.url },
      { rel: 'self', href: topic },
    ]);
    const all = {
      'content-type': contentType,
      link,
      ...(signed === undefined ? {} : { 'x-hub-signature': signed }),
      ...headers,
    };
    return this.#send('POST', callback, all, bytes);
  }

  async close(): Promise<void> {
    await this.#client.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const parsed = parseHubRequest(body);
    if (parsed.mode !== 'subscribe' && parsed.mode !== 'unsubscribe')
      throw new Error(`unexpected ${parsed.mode}`);
    const seen: HubRequestSeen = {
      ...parsed,
      form: new URLSearchParams(body.toString()),
      headers: request.headers,
    };
    this.requests.push(seen);
    const reply = await this.reply?.(seen);
    if (reply !== undefined) {
      response.writeHead(reply.status, reply.headers).end(reply.body);
      return;
    }
    const when = this.#options.verify ?? 'before';
    if (when === 'before') await this.verify(seen);
    response.writeHead(202).end();
    if (when === 'after') await this.verify(seen);
  }

  async #send(
    method: 'GET' | 'POST',
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: Uint8Array,
  ): Promise<CallbackReply> {
    const answer = { kind: 'body', maxBytes: 64 * 1024 } as const;
    const response = await this.#client.send({
      method,
      url,
      headers,
      answer,
      ...(body === undefined ? {} : { body }),
    });
    if (response.kind === 'failure') throw new Error(`${method} to the callback failed: ${response.detail}`);
    return replyOf(response);
  }
}

function signatureOf(
  body: Uint8Array,
  secret: string | undefined,
  signature: NonNullable<DeliverOptions['signature']>,
): string | undefined {
  if (typeof signature === 'object') return signature.value;
  if (signature === 'none' || secret === undefined || !METHODS.has(signature)) return undefined;
  return sign(body, secret, signature);
}

function replyOf({ status, headers, body }: HttpResponse): CallbackReply {
  return {
    status,
    body: new TextDecoder().decode(body),
    header: (name) => headerText(headers, name.toLowerCase()),
  };
}
