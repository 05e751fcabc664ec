import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { until } from './until.js';

export interface StreamEvent {
  /** The last id that the stream had told by then. */
  readonly id: string;
  /** `message` when the event has no name. */
  readonly name: string;
  readonly data: string;
}

export interface StreamOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Reads nothing of the body until {@link Stream.resume}. */
  readonly paused?: boolean;
}

/** A Server-Sent Events client that shows every byte: no reconnecting, nothing hidden. */
export class Stream {
  readonly events: StreamEvent[] = [];
  text = '';
  ended = false;
  readonly #incoming: IncomingMessage;
  #rest = '';
  #id = '';
  #name = '';
  #data: string[] = [];

  private constructor(incoming: IncomingMessage, paused: boolean) {
    this.#incoming = incoming;
    incoming.setEncoding('utf8');
    incoming.on('error', () => undefined);
    incoming.on('close', () => (this.ended = true));
    if (paused) incoming.pause();
    else this.resume();
  }

  /** Settles when the answer has begun. */
  static open(
    url: string,
    { method = 'GET', headers = {}, body, paused = false }: StreamOptions = {},
  ): Promise<Stream> {
    return new Promise((resolve, reject) => {
      // A connection of its own, which ends with the stream.
      const outgoing = httpRequest(
        url,
        { method, headers: { ...headers }, agent: new Agent({ keepAlive: false }) },
        (incoming) => resolve(new Stream(incoming, paused)),
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  get status(): number {
    return this.#incoming.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers;
  }

  /** The data of events without a name. */
  get messages(): string[] {
    return this.named('message').map(({ data }) => data);
  }

  named(name: string): StreamEvent[] {
    return this.events.filter((event) => event.name === name);
  }

  resume(): void {
    this.#incoming.on('data', (chunk: string) => this.#read(chunk));
    this.#incoming.resume();
  }

  /** Settles when so many events without a name are there, with their data. */
  async gets(count: number, timeoutMs?: number): Promise<string[]> {
    await until(`${count} messages arrived`, () => this.messages.length >= count, timeoutMs);
    return this.messages;
  }

  close(): void {
    this.#incoming.destroy();
  }

  #read(chunk: string): void {
    this.text += chunk;
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#readLine(line);
  }

  #readLine(line: string): void {
    if (line === '') {
      if (this.#data.length > 0)
        this.events.push({ id: this.#id, name: this.#name || 'message', data: this.#data.join('\n') });
      this.#data = [];
      this.#name = '';
      return;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#name = value;
    else if (field === 'id') this.#id = value;
  }
}
