import { createHash } from 'node:crypto';
import { listen, type ListenOptions, type Received, type Reply } from './listener.js';

/** One topic of a publisher: what it holds now, and who asked for it. */
export class Topic {
  /** Every request that reached it, conditional ones included. */
  readonly requests: Received[] = [];
  body: string | Uint8Array = 'first content';
  contentType = 'text/plain';
  /** With an ETag, and 304 to a request that knows it. */
  conditional = true;
  /** Overrides everything above. */
  onRequest: ((request: Received, nth: number) => Reply | Promise<Reply>) | undefined;

  constructor(
    readonly url: string,
    private readonly hubUrl: string,
  ) {}

  get etag(): string {
    return `"${createHash('sha256').update(this.body).digest('hex').slice(0, 16)}"`;
  }

  /** What a healthy publisher answers now. */
  content(request: Received): Reply {
    const links = `<${this.hubUrl}>; rel="hub", <${this.url}>; rel="self"`;
    if (!this.conditional)
      return { status: 200, headers: { 'content-type': this.contentType, link: links }, body: this.body };
    const headers = { 'content-type': this.contentType, link: links, etag: this.etag };
    return request.headers['if-none-match'] === this.etag
      ? { status: 304, headers: { etag: this.etag } }
      : { status: 200, headers, body: this.body };
  }

  answer(request: Received): Reply | Promise<Reply> {
    this.requests.push(request);
    return this.onRequest === undefined
      ? this.content(request)
      : this.onRequest(request, this.requests.length);
  }
}

export interface TopicServer {
  readonly origin: string;
  /** A new topic at a path of its own, followed by `rest`. */
  topic(rest?: string): Topic;
  connections(): number;
  close(): Promise<void>;
}

/** A real publisher on 127.0.0.1 whose topics name the hub. */
export async function startTopics(hubUrl: string, options: ListenOptions = {}): Promise<TopicServer> {
  const topics = new Map<string, Topic>();
  const listener = await listen((request) => {
    const topic = topics.get(/^\/[^/?]*/.exec(request.path)?.[0] ?? '');
    return topic === undefined ? { status: 404, body: 'no such topic' } : topic.answer(request);
  }, options);
  return {
    origin: listener.origin,
    topic: (rest = '') => {
      const path = `/t${topics.size + 1}`;
      const topic = new Topic(listener.origin + path + rest, hubUrl);
      topics.set(path, topic);
      return topic;
    },
    connections: () => listener.connections(),
    close: () => listener.close(),
  };
}
