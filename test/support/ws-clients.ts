import { WebSocket as NodeWebSocket } from 'undici';
import { WebSocket } from 'ws';
import type { HubAddress } from './requests.js';
import { until } from './until.js';

/** A message of the native protocol. */
export type Word = Readonly<Record<string, unknown>> & { readonly op: string };

export interface WsOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly subprotocols?: readonly string[];
  readonly query?: string;
}

export function wsAddress(hub: HubAddress, path = '/v1/ws'): string {
  return new URL(path, hub.url).href.replace(/^http/, 'ws');
}

/** A client of the native protocol, on the `ws` library, that shows every message: no reconnecting, nothing hidden. */
export class Ws {
  readonly words: Word[] = [];
  /** The code with which it was closed. */
  closed: number | undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.words.push(JSON.parse(data.toString()) as Word));
    socket.on('close', (code) => (this.closed = code));
    socket.on('error', () => undefined);
  }

  /** Settles when it was welcomed, or sent away. */
  static async open(
    hub: HubAddress,
    { headers = {}, subprotocols = ['hub.v1.json'], query = '' }: WsOptions = {},
  ): Promise<Ws> {
    const socket = new WebSocket(wsAddress(hub) + query, [...subprotocols], { headers: { ...headers } });
    const client = new Ws(socket);
    await until('the hub has said something', () => client.words.length > 0 || client.closed !== undefined);
    return client;
  }

  of(op: string): Word[] {
    return this.words.filter((word) => word.op === op);
  }

  /** What the entries say. */
  get data(): unknown[] {
    return this.of('ev').map(({ data }) => data);
  }

  say(word: Word): void {
    this.#socket.send(JSON.stringify(word));
  }

  /** Says it, and settles with what is answered. */
  async ask(word: Word): Promise<Word> {
    const answers = (): Word[] =>
      this.words.filter(({ op, ref }) => (op === 'ok' || op === 'err') && ref === word.op);
    const before = answers().length;
    this.say(word);
    return until(`${word.op} is answered`, () => answers()[before]);
  }

  /** Settles when so many entries are there, with what they say. */
  async gets(count: number, timeoutMs?: number): Promise<unknown[]> {
    await until(`${count} entries arrived`, () => this.of('ev').length >= count, timeoutMs);
    return this.data;
  }

  /** Reads nothing from the network until {@link resume}. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** A reader that comes back by itself and goes on after the last cursor that it has, as the documentation says. */
export interface Returning {
  /** What the entries said, in the order in which they came. */
  readonly data: readonly unknown[];
  /** Whatever came that is no entry. */
  readonly words: readonly Word[];
  readonly connections: () => number;
  close(): void;
}

type Client = 'ws' | 'node';

/** `node`: the WebSocket that Node has built in from version 22 on, which is undici's. */
export function returning(client: Client, hub: HubAddress, topics: readonly string[]): Returning {
  const data: unknown[] = [];
  const words: Word[] = [];
  let connections = 0;
  let cursor = 'earliest';
  let afterMs = 50;
  let closed = false;
  let socket: WebSocket | NodeWebSocket | undefined;
  const connect = (): void => {
    if (closed) return;
    const Client = client === 'ws' ? WebSocket : NodeWebSocket;
    socket = new Client(wsAddress(hub), 'hub.v1.json');
    const opened = socket;
    opened.onopen = () => {
      connections += 1;
      opened.send(JSON.stringify({ op: 'sub', sid: 's', topics, from: cursor }));
    };
    opened.onmessage = (event: { data: unknown }) => {
      const word = JSON.parse(String(event.data)) as Word;
      if (word.op !== 'ev') words.push(word);
      else {
        data.push(word['data']);
        cursor = String(word['cursor']);
      }
      if (word.op === 'bye') afterMs = Math.min(Number(word['after_ms']), 200);
    };
    opened.onerror = () => undefined;
    opened.onclose = () => void setTimeout(connect, afterMs);
  };
  connect();
  return {
    data,
    words,
    connections: () => connections,
    close: () => {
      closed = true;
      socket?.close();
    },
  };
}
