import type { Socket as Wire } from 'node:net';
import type { WebSocket } from 'ws';
import type { HubEmitter } from '../../events.js';
import type { RateLimit } from '../../protocol/rate-limit.js';
import { Attachment, type ConsumerSink } from '../attachment.js';
import { STALLED_MS, StallWatch } from '../back-pressure.js';
import type { RenewablePermit } from '../permit.js';
import type { Reader, Reading, Sink } from '../reader.js';
import type { Readers } from '../readers.js';
import type { OpenStream, StreamCommons } from '../open-stream.js';
import { Outbox } from '../outbox.js';
import { retryMs, type Spread } from '../retry-time.js';
import { messageOf, type Message } from './frames.js';
import { Inbox } from './inbox.js';
import { Pulse } from './pulse.js';
import type { Call, Conversation, SocketEnd, SocketProtocol } from './protocol.js';

export interface SocketOptions {
  readonly id: string;
  readonly commons: StreamCommons;
  readonly webSocket: WebSocket;
  /** What the frames go over. */
  readonly wire: Wire;
  readonly permit: RenewablePermit;
  readonly protocol: SocketProtocol;
  readonly call: Call;
  /** How much a client may say; `undefined`: as much as it likes. */
  readonly rate: RateLimit | undefined;
  readonly events: HubEmitter;
}

/** A reader, with what opened it. */
interface Opened {
  readonly reader: Reader;
  readonly source: Readers | Attachment;
}

/** Ends that the hub decides, and that the client can be told of. */
export type SpokenEnd = Exclude<SocketEnd, 'client' | 'stalled' | 'no_pong'>;

const MAX_AGE_MS = { least: 2_880_000, spread: 720_000 };
export const PING_MS = 25_000;
const EXPIRING_MS = 30_000;
const RETRY_MS = { least: 1_000, spread: 4_000 };
/** How long a client may take to answer the close frame. */
export const CLOSING_MS = 5_000;

/**
 * One WebSocket connection: carries any number of readers, whose entries share its window. Messages go out in order and
 * whole; what does not fit into the window stays with the reader, which is only further back (LAW 7). What its client
 * says goes to the {@link Conversation}, one message after the other.
 */
export class Socket implements OpenStream {
  readonly id: string;
  /** Entries given so far. */
  entries = 0;
  /** What its client may read; a conversation may renew it. */
  readonly permit: RenewablePermit;
  readonly #commons: StreamCommons;
  readonly #webSocket: WebSocket;
  readonly #outbox: Outbox;
  readonly #protocol: SocketProtocol;
  /** One for most connections, so no map: its table would take more than all that is kept of a reader besides. */
  #opened: readonly Opened[] = [];
  readonly #rate: RateLimit | undefined;
  readonly #inbox: Inbox;
  readonly #pulse: Pulse;
  readonly #stall: StallWatch;
  readonly #endsAt: number;
  readonly #release: () => void;
  /** What waits, after the end, for the last of what was begun. */
  #onFlushed: (() => void) | undefined;
  /** Of which credential's end the client was told. */
  #toldExpiring = 0;
  #ended: SocketEnd | undefined;
  /** Absent while it begins, when it may end the socket already. */
  #conversation: Conversation | undefined;

  constructor(options: SocketOptions) {
    const { id, commons, webSocket, wire, permit, protocol, call, rate, events } = options;
    const { clock, random } = commons;
    this.id = id;
    this.permit = permit;
    this.#commons = commons;
    this.#webSocket = webSocket;
    this.#outbox = new Outbox({ socket: wire, window: commons.window, onDrain: () => this.#onDrain() });
    this.#protocol = protocol;
    const now = clock.monotonic();
    this.#endsAt = protocol.lasts === true ? Infinity : now + retryMs(random, MAX_AGE_MS);
    this.#stall = new StallWatch(now);
    this.#rate = rate;
    this.#pulse = new Pulse(webSocket, clock, protocol.pingMs ?? PING_MS);
    this.#inbox = new Inbox({
      webSocket,
      take: (text) => this.#conversation?.receive(text),
      onFailure: (error) => {
        events.emit('fault', { where: 'socket', error });
        this.end('failed');
      },
    });
    webSocket.on('message', (data, isBinary) => {
      this.#pulse.hear();
      const isText = !isBinary || this.#protocol.readsBinary === true;
      if (this.#admit() && !this.#inbox.receive(data, isText)) this.end('bad_frame');
    });
    // ws answers pings by itself; asking too often is talking too much.
    webSocket.on('ping', () => this.#admit());
    webSocket.on('pong', (data) => {
      this.#admit();
      this.#pulse.hearPong(data.toString());
    });
    webSocket.on('error', (error) => this.#onError(error));
    webSocket.on('close', () => this.#close('client'));
    this.#release = permit.hold((end) => this.end(end));
    this.#conversation = protocol.converse(this, call);
  }

  get stalls(): number {
    return this.#stall.stalls;
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Opens a reader of this connection, which ends with it: for `sink` to give entries by {@link give} while there is {@link room}. */
  follow(reading: Reading, sink: Sink): Reader {
    const { readers } = this.#commons;
    return this.#keep(readers.open(reading, sink), readers);
  }

  /** As {@link follow}, with a consumer whose place the hub keeps. When somebody else takes that up, the sink is told. */
  followAs(attachment: Attachment, reading: Reading, sink: ConsumerSink): Reader {
    return this.#keep(attachment.open(reading, sink), attachment);
  }

  /** Ends one of its readers. Harmless when it has ended. */
  unfollow(reader: Reader): void {
    const opened = this.#opened.find((each) => each.reader === reader);
    if (opened === undefined) return;
    this.#opened = this.#opened.filter((each) => each !== opened);
    if (opened.source instanceof Attachment) opened.source.leave();
    else opened.source.close(reader);
  }

  get readers(): readonly Reader[] {
    return this.#opened.map(({ reader }) => reader);
  }

  /** Bytes that it takes at the moment. When it is full, its readers are resumed once it no longer is. */
  room(): number {
    return this.#ended === undefined ? this.#outbox.room : 0;
  }

  /** Keeps what is sent until {@link uncork}, to send it in one piece. */
  cork(): void {
    this.#outbox.cork();
  }

  uncork(): void {
    this.#outbox.uncork();
  }

  /** Sends an entry, or several in one message; the frames may be shared with other sockets. */
  give(message: Message, entries = 1): void {
    this.entries += entries;
    this.send(message);
  }

  /** Pings within about a second, so that {@link Conversation.watermark} is told soon, for as often as it is called. */
  confirm(): void {
    this.#pulse.hasten();
  }

  /** Sends anything else, whether there is room or not: a client that does not take it is not listened to either. */
  send(message: Message): void {
    if (this.#ended !== undefined) return;
    this.#outbox.writeAll(message);
    if (this.#outbox.hasRest) this.#regulate();
  }

  /** Sends a value as JSON. */
  tell(value: unknown): void {
    this.send(messageOf(JSON.stringify(value)));
  }

  /** Ends the connection; the client is told so in the words of the protocol, and when to come back. */
  end(why: SpokenEnd, spread: Spread = RETRY_MS): void {
    if (this.#ended !== undefined) return;
    const protocol = this.#protocol;
    const webSocket = this.#webSocket;
    // Whoever may no longer read is not sent what waits either (LAW 13).
    if ((why === 'expired' || why === 'revoked') && !this.#outbox.isIdle) {
      this.#close(why);
      webSocket.terminate();
      return;
    }
    const afterMs = retryMs(this.#commons.random, spread);
    const { text, code, reason } =
      this.#conversation?.farewell?.(why, afterMs) ?? protocol.farewell(why, afterMs);
    if (text !== undefined) this.send(messageOf(text));
    this.#close(why);
    this.#flushThen(() => webSocket.close(code, reason));
  }

  /** Looks after the connection; called about once a second. `now` is monotonic, `wallClock` milliseconds since the epoch. */
  look(now: number, wallClock: number): void {
    if (this.#ended !== undefined) return;
    const { sentBytes, isIdle } = this.#outbox;
    if (this.#stall.isStalled(now, sentBytes, !isIdle)) {
      this.#cut('stalled');
      return;
    }
    if (!this.#inbox.isPaused && this.#pulse.isLost(now)) {
      this.#cut('no_pong');
      return;
    }
    if (now >= this.#endsAt) {
      this.end('max_age');
      return;
    }
    const { endsAt } = this.permit;
    if (endsAt !== this.#toldExpiring && endsAt - wallClock <= EXPIRING_MS) {
      this.#toldExpiring = endsAt;
      this.#conversation?.expiring?.(endsAt);
    }
    this.#pulse.beat(now, () => this.#conversation?.watermark?.());
    this.#conversation?.look?.(now);
  }

  /** Counts what its client says; false when that is too much. */
  #admit(): boolean {
    if (this.#ended !== undefined) return false;
    const admitted =
      this.#rate === undefined || this.#rate.admit(this.id, this.#commons.clock.monotonic()) === 0;
    if (!admitted) this.end('rate');
    return admitted;
  }

  #keep(reader: Reader, source: Readers | Attachment): Reader {
    this.#opened = this.#opened.concat({ reader, source });
    if (this.#ended !== undefined) this.unfollow(reader);
    return reader;
  }

  #onDrain(): void {
    this.#regulate();
    this.#onFlushed?.();
    if (this.#ended !== undefined) return;
    for (const { reader } of this.#opened) reader.resume();
  }

  /** What a client is answered must not pile up either (LAW 8). */
  #regulate(): void {
    this.#inbox.hold(this.#outbox.hasRest);
  }

  #onError(error: Error): void {
    // What a client sends against RFC 6455 was answered by ws with a close frame that says so.
    const code = 'code' in error ? String(error.code) : '';
    if (code.startsWith('WS_ERR_'))
      this.#close(code.startsWith('WS_ERR_UNSUPPORTED') ? 'too_large' : 'bad_frame');
    else this.#close('client');
    this.#linger();
  }

  #cut(why: SocketEnd): void {
    this.#close(why);
    this.#webSocket.terminate();
  }

  #close(why: SocketEnd): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    for (const reader of this.readers) this.unfollow(reader);
    this.#release();
    this.#inbox.end();
    this.#conversation?.ended?.(why);
    this.#commons.onEnd(this, why);
  }

  /** Sends what was begun, for as long as a client may take that takes nothing. */
  #flushThen(close: () => void): void {
    const webSocket = this.#webSocket;
    if (!this.#outbox.hasRest) {
      close();
      this.#linger();
      return;
    }
    const cancel = this.#commons.clock.after(STALLED_MS, () => webSocket.terminate());
    this.#onFlushed = () => {
      cancel();
      close();
      this.#linger();
    };
    webSocket.once('close', cancel);
  }

  #linger(): void {
    const webSocket = this.#webSocket;
    const cancel = this.#commons.clock.after(CLOSING_MS, () => webSocket.terminate());
    webSocket.once('close', cancel);
  }
}
