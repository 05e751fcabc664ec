import {
  FORM_CONTENT_TYPE,
  formatHubRequest,
  headerText,
  linkSpelling,
  mediaTypeOf,
  NetworkPolicy,
  parseWebUrl,
  reasonOf,
  UndiciHttpClient,
  urlForLogs,
  WebSubError,
  type HttpClient,
  type HttpFailure,
  type HttpResponse,
} from '@websub/shared';

export interface PublisherOptions {
  /** The hub's URL, as your pages advertise it. For several hubs make several publishers, and tell each (section 6). */
  readonly hub: string;
  /** The hub's bearer key, where it wants one. */
  readonly credential?: string;
  /** Milliseconds until the hub's answer. Default 15,000. */
  readonly timeoutMs?: number;
  /** What sends the requests, for tests and proxies; it stays open. Default: a client of the publisher's own. */
  readonly http?: HttpClient;
}

export interface PublishOptions {
  /** Default: `text/plain; charset=utf-8` for a string, `application/json` for an object, bytes have none and need one. */
  readonly contentType?: string;
  /** Your own id of this update. Sent again within 24 hours it is not published again, so that retrying is safe. */
  readonly id?: string;
  /** The kind of update, for readers that look at one kind only. */
  readonly type?: string;
  /** What the update is about, such as `Order/7`. */
  readonly subject?: string;
  /** Further headers; those that begin with `X-` are delivered with the content. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Published {
  /** The update's place in the hub's log; `undefined` where a hub has none. */
  readonly cursor: string | undefined;
}

/** Tells one hub about updates. */
export interface Publisher extends AsyncDisposable {
  /**
   * Says that topics have changed; the hub fetches them. Settles when the hub has taken it. Rejects with
   * `invalid_request`, `publish_refused`, and with `hub_unavailable`, `unreachable` or `timeout`, which are `retryable`.
   */
  ping(topics: string | readonly string[]): Promise<void>;
  /**
   * Publishes content itself: text, bytes, or an object as JSON. Settles when the hub has it on stable storage. Rejects
   * as `ping` does.
   */
  publish(topic: string, content: string | Uint8Array | object, options?: PublishOptions): Promise<Published>;
  /** Ends the connections of the publisher's own client. */
  close(): Promise<void>;
}

/** Hubs bound the parameters of a form; more topics go in several requests. */
const TOPICS_IN_A_PING = 50;
const REASON_LIMIT = 1_024;
const USER_AGENT = 'websub-publisher/0.1 (+https://www.w3.org/TR/websub/)';

/** Makes a publisher for a hub. Throws `invalid_request` for a hub URL that is none. */
export function createPublisher(options: PublisherOptions): Publisher {
  return new HubPublisher(options);
}

class HubPublisher implements Publisher {
  readonly #hub: string;
  readonly #options: PublisherOptions;
  readonly #http: HttpClient;

  constructor(options: PublisherOptions) {
    parseWebUrl(options.hub, 'hub');
    this.#hub = options.hub;
    this.#options = options;
    // No address is forbidden: the only one it connects to is in the program's own options, and it follows no redirect.
    const policy = new NetworkPolicy({ allow: ['0.0.0.0/0', '::/0'] });
    this.#http = options.http ?? new UndiciHttpClient({ policy });
  }

  async ping(topics: string | readonly string[]): Promise<void> {
    const given = typeof topics === 'string' ? [topics] : topics;
    for (const topic of given) parseWebUrl(topic, 'topic');
    // Hubs compare topics as strings, and who discovers a page has the spelling of its Link header.
    const all = [...new Set(given.flatMap((topic) => [topic, linkSpelling(topic)]))];
    for (let at = 0; at < all.length; at += TOPICS_IN_A_PING) {
      const body = formatHubRequest({ mode: 'publish', topics: all.slice(at, at + TOPICS_IN_A_PING) });
      await this.#post(this.#hub, body, { 'content-type': FORM_CONTENT_TYPE });
    }
  }

  async publish(
    topic: string,
    content: string | Uint8Array | object,
    { contentType, id, type, subject, headers }: PublishOptions = {},
  ): Promise<Published> {
    parseWebUrl(topic, 'topic');
    const encoded = encode(content, contentType);
    const query = new URLSearchParams({ 'hub.mode': 'publish', 'hub.topic': topic });
    if (id !== undefined) query.set('hub.id', id);
    if (type !== undefined) query.set('hub.type', type);
    if (subject !== undefined) query.set('hub.subject', subject);
    const url = `${this.#hub}${this.#hub.includes('?') ? '&' : '?'}${query.toString()}`;
    const response = await this.#post(url, encoded.body, {
      ...lowerCased(headers),
      'content-type': encoded.contentType,
    });
    return { cursor: headerText(response.headers, 'hub-cursor') };
  }

  async close(): Promise<void> {
    if (this.#options.http === undefined) await this.#http.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #post(
    url: string,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpResponse> {
    const { credential, timeoutMs } = this.#options;
    const response = await this.#http.send({
      method: 'POST',
      url,
      headers: {
        'user-agent': USER_AGENT,
        ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
        ...headers,
      },
      body,
      answer: { kind: 'prefix', maxBytes: REASON_LIMIT },
      ...(timeoutMs === undefined ? {} : { timeoutMs, firstByteTimeoutMs: timeoutMs }),
    });
    if (response.kind === 'failure') throw errorOfFailure(this.#hub, response);
    if (response.status < 200 || response.status > 299) throw errorOfStatus(this.#hub, response);
    return response;
  }
}

interface Encoded {
  readonly body: string | Uint8Array;
  readonly contentType: string;
}

function encode(content: string | Uint8Array | object, contentType: string | undefined): Encoded {
  const encoded = encodedAs(content, contentType);
  // The hub reads a form as a request of its own.
  if (mediaTypeOf(encoded.contentType) !== FORM_CONTENT_TYPE) return encoded;
  throw new WebSubError('invalid_request', 'a form cannot be published as content: send it as JSON or text');
}

function encodedAs(content: string | Uint8Array | object, contentType: string | undefined): Encoded {
  if (typeof content === 'string')
    return { body: content, contentType: contentType ?? 'text/plain; charset=utf-8' };
  if (!(content instanceof Uint8Array))
    return { body: json(content), contentType: contentType ?? 'application/json' };
  if (contentType !== undefined) return { body: content, contentType };
  throw new WebSubError('invalid_request', 'bytes say nothing of what they are: give contentType');
}

function json(content: object): string {
  try {
    return JSON.stringify(content);
  } catch (cause) {
    throw new WebSubError('invalid_request', `the content is not JSON: ${reasonOf(cause)}`, { cause });
  }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function errorOfFailure(hub: string, { reason, detail }: HttpFailure): WebSubError {
  const code = reason === 'timeout' ? 'timeout' : reason === 'aborted' ? 'stopped' : 'unreachable';
  return new WebSubError(
    code,
    `the hub ${urlForLogs(hub)} gave no answer: ${detail}. Check that it is running`,
  );
}

function errorOfStatus(hub: string, { status, body }: HttpResponse): WebSubError {
  const said = new TextDecoder()
    .decode(body)
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
  const what = `the hub ${urlForLogs(hub)} answered ${status}${said === '' ? '' : ` "${said}"`}`;
  if (status >= 500 || status === 429 || status === 408) {
    return new WebSubError('hub_unavailable', `${what}: try again later`);
  }
  const cure =
    status === 401 || status === 403 ? 'give a credential that may publish' : 'check the hub and the topic';
  return new WebSubError('publish_refused', `${what}: ${cure}`);
}
