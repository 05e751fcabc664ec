import { z } from 'zod';
import { entryOf, FEED } from '../../contract/samples.js';
import {
  ADMIN_KEY,
  SocketServer,
  until,
  type Client,
  type SocketServerOptions,
} from '../../http/socket-server.sample.js';
import { Admission } from '../../protocol/admission.js';
import { Publications } from '../../protocol/publication.js';
import { Roll } from '../../subscription/roll.js';
import { NativeProtocol } from './native-protocol.js';
import { SERVER_WORDS } from './words.js';

export const AUTHORIZED = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };
const SERVER_WORD = z.discriminatedUnion('op', [
  SERVER_WORDS.welcome,
  ...Object.values(SERVER_WORDS).filter((word) => word !== SERVER_WORDS.welcome),
]);

type Said = Readonly<Record<string, unknown>> & { readonly op: string };

/** A client of the native protocol, every message of which has to be as the schemas say. */
export class Native {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get closed(): string | undefined {
    return this.#client.closed;
  }

  get said(): Said[] {
    return this.#client.messages.map((message) => SERVER_WORD.parse(message) as Said);
  }

  of(op: string): Said[] {
    return this.said.filter((word) => word.op === op);
  }

  get ids(): unknown[] {
    return this.of('ev').map(({ id }) => id);
  }

  raw(text: string): void {
    this.#client.socket.send(text);
  }

  /** Says it, and settles with what is answered. */
  async ask(word: Readonly<Record<string, unknown>> & { readonly op: string }): Promise<Said> {
    const answers = (): Said[] =>
      this.said.filter(({ op, ref }) => (op === 'ok' || op === 'err') && ref === word.op);
    const before = answers().length;
    this.#client.say(word);
    await until(() => answers().length > before || this.closed !== undefined);
    return answers()[before] ?? { op: 'closed' };
  }

  async gets(count: number): Promise<unknown[]> {
    await until(() => this.ids.length >= count);
    return this.ids;
  }

  /** Settles when everything that the hub had to say by now has come. */
  async settled(): Promise<void> {
    const before = this.of('pong').length;
    this.#client.say({ op: 'ping' });
    await until(() => this.of('pong').length > before);
  }
}

export async function start(options: SocketServerOptions = {}): Promise<SocketServer> {
  return SocketServer.start((bridge) => {
    const publications = new Publications({
      log: bridge.log,
      clock: bridge.clock,
      random: bridge.random,
      events: bridge.events,
    });
    const admission = new Admission({ roll: new Roll(), clock: bridge.clock, mostSubscriptions: 1 });
    return [new NativeProtocol({ bridge, publications, admission })];
  }, options);
}

export async function connect(room: SocketServer, options = {}, query = ''): Promise<Native> {
  const client = new Native(room.connect(`/v1/ws${query}`, ['hub.v1.json'], options));
  await until(() => client.of('welcome').length > 0 || client.closed !== undefined);
  return client;
}

export async function publish(room: SocketServer, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await room.log.append([entryOf(id)]);
}

/** Settles as the work does, while time passes: places are saved together, every now and then. */
export async function inTime<Result>(room: SocketServer, work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  while (!isDone) await room.clock.advance(10);
  return done;
}

export const sub = { op: 'sub', sid: 's', topics: [FEED] };
