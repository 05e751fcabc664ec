import {
  FORM_CONTENT_TYPE,
  formatHubRequest,
  headerText,
  NetworkPolicy,
  parseWebUrl,
  UndiciHttpClient,
  WebSubError,
  type HttpClient,
  type HttpResponse,
} from '@websub/shared';

export interface PublisherOptions {
  /** The hub's URL, as your pages advertise it; several when you advertise several. */
  readonly hub: string | readonly string[];
  /** Bearer key, when the hub asks for one. Default none. */
  readonly credential?: string;
  /** Milliseconds that a hub may take to answer. Default 15,000. */
  readonly timeoutMs?: number;
  /** Makes the requests; replaced in tests. Default: undici, to any address, since you chose the hub. */
  readonly http?: HttpClient;
}

export interface PublishOptions {
  /** Default: `application/json` for objects, `text/plain; charset=utf-8` for strings, else `application/octet-stream`. */
  readonly contentType?: string;
  /** The same id for the same topic within 24 hours is stored once: repeat a call whose answer was lost without fear. */
  readonly id?: string;
  /** The kind of event, for readers that filter. */
  readonly type?: string;
  /** Headers whose names begin with `X-` are delivered with the content. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Bytes, text, or anything else that JSON can write. */
export type PublishedContent = Uint8Array | string | object;

export interface Published {
  /** Where the hub stored it; `undefined` when the hub does not tell. */
  readonly cursor: string | undefined;
}

/** Tells hubs about updates (section 6). */
export interface Publisher {
  /**
   * Says that topics changed; each hub fetches them and distributes what is new. Settles when every hub has accepted.
   *
   * Rejects with `invalid_request` for a topic that is no URL, `publish_refused` when a hub answers 4xx,
   * `hub_unavailable` or `timeout` when it cannot be reached or answers 5xx (try again). With several hubs all are told,
   * and the first failure is reported.
   */
  ping(topics: string | readonly string[]): Promise<void>;
  /** Sends the content itself. Settles when every hub has stored it, with the first hub's cursor; rejects as `ping` does. */
  publish(topic: string, content: PublishedContent, options?: PublishOptions): Promise<Published>;
  /** Ends the connections to the hubs. A publisher that is not closed does not keep the process alive. */
  close(): Promise<void>;
}

const LONGEST_ANSWER_BYTES = 4 * 1024;

/** A publisher for one hub or several. Throws `invalid_request` when a hub is no URL. */
export function createPublisher(options: PublisherOptions): Publisher {
  const hubs = typeof options.hub === 'string' ? [options.hub] : [...options.hub];
  for (const hub of hubs) parseWebUrl(hub, 'hub');
  if (hubs.length === 0)
    throw new WebSubError('invalid_request', 'hub is empty: name the hub that your pages advertise');
  const http = options.http ?? new UndiciHttpClient({ policy: ANYWHERE });

  const tell = async (request: (hub: string) => Told): Promise<readonly HttpResponse[]> => {
    const answers = await Promise.allSettled(hubs.map((hub) => post(http, options, hub, request(hub))));
    return answers.map((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  };
  return {
    ping: async (given) => {
      const topics = typeof given === 'string' ? [given] : given;
      for (const topic of topics) parseWebUrl(topic, 'topic');
      const body = formatHubRequest({ mode: 'publish', topics });
      await tell((hub) => ({ url: hub, body, headers: { 'content-type': FORM_CONTENT_TYPE } }));
    },
    publish: async (topic, content, { contentType, id, type, headers = {} } = {}) => {
      parseWebUrl(topic, 'topic');
      const { body, defaultType } = encode(content);
      const [answer] = await tell((hub) => ({
        url: publicationUrl(hub, {
          'hub.mode': 'publish',
          'hub.topic': topic,
          'hub.id': id,
          'hub.type': type,
        }),
        body,
        headers: { ...headers, 'content-type': contentType ?? defaultType },
      }));
      return { cursor: answer === undefined ? undefined : headerText(answer.headers, 'hub-cursor') };
    },
    close: () => http.close(),
  };
}

// The hub is the caller's own choice, often on the same machine; there is no stranger to guard against.
const ANYWHERE = new NetworkPolicy({ allow: ['0.0.0.0/0', '::/0'] });

interface Told {
  readonly url: string;
  readonly body: Uint8Array | string;
  readonly headers: Readonly<Record<string, string>>;
}

async function post(
  http: HttpClient,
  { credential, timeoutMs }: PublisherOptions,
  hub: string,
  { url, body, headers }: Told,
): Promise<HttpResponse> {
  const answer = await http.send({
    method: 'POST',
    url,
    body,
    headers: { ...headers, ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }) },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    answer: { kind: 'body', maxBytes: LONGEST_ANSWER_BYTES },
  });
  if (answer.kind === 'failure') {
    const code = answer.reason === 'timeout' ? 'timeout' : 'hub_unavailable';
    throw new WebSubError(
      code,
      `the hub ${hub} cannot be reached (${answer.detail}): check its URL, or try again`,
    );
  }
  if (answer.status >= 200 && answer.status < 300) return answer;
  const said = Buffer.from(answer.body).toString().trim();
  const sentence = `the hub ${hub} answered ${answer.status}: ${said === '' ? 'see its documentation' : said}`;
  throw new WebSubError(
    answer.status >= 500 || answer.status === 429 ? 'hub_unavailable' : 'publish_refused',
    sentence,
  );
}

function encode(content: PublishedContent): { body: Uint8Array | string; defaultType: string } {
  if (typeof content === 'string') return { body: content, defaultType: 'text/plain; charset=utf-8' };
  if (content instanceof Uint8Array) return { body: content, defaultType: 'application/octet-stream' };
  return { body: JSON.stringify(content), defaultType: 'application/json' };
}

function publicationUrl(hub: string, params: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(hub);
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}
