import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { chunkOf, contentOf } from './chunk.js';

export interface EventWireOptions {
  readonly response: ServerResponse;
  /** Bytes that may wait for the network at this moment. */
  readonly window: () => number;
  /** It was full, or a chunk was not sent whole, and that is over. */
  readonly onDrain: () => void;
  /** The network has taken what was sent last. Absent where nobody wants to know. */
  readonly onSent: (() => void) | undefined;
}

/**
 * What events are written to: the connection of a response, as much as its window takes (LAW 7). Chunks go straight to
 * the socket, and one that was made for all readers is written as it is: `ServerResponse.write` makes four pieces of it
 * for each of them, which together with joining these again took as much time as the network.
 */
export class EventWire {
  readonly #response: ServerResponse;
  /** Clients of HTTP/1.0 know no chunks. */
  readonly #isChunked: boolean;
  #socket: Socket | undefined;
  readonly #window: () => number;
  readonly #onDrain: () => void;
  readonly #onSent: (() => void) | undefined;
  /** What did not fit into the window: the end of a chunk that was begun, and what was to follow it. */
  #rest: Buffer | undefined;
  #awaitsDrain = false;

  /** Sends the head of the response, in one piece with whatever is sent in the same turn of the event loop. */
  constructor({ response, window, onDrain, onSent }: EventWireOptions) {
    this.#response = response;
    this.#window = window;
    this.#onDrain = onDrain;
    this.#onSent = onSent;
    const socket = this.#ownSocket();
    socket?.cork();
    if (socket !== undefined) process.nextTick(() => socket.uncork());
    response.flushHeaders();
    this.#isChunked = response.chunkedEncoding;
  }

  /** Bytes that it takes at the moment; 0 when it is full, and then `onDrain` is called once it no longer is. */
  get room(): number {
    const room = this.#rest === undefined ? this.#window() - this.#waitingBytes : 0;
    if (room > 0) return room;
    this.#awaitDrain();
    return 0;
  }

  /** Whether the network has taken everything. */
  get isIdle(): boolean {
    return this.#rest === undefined && this.#waitingBytes === 0;
  }

  /** Whether something of a chunk is still here. */
  get hasRest(): boolean {
    return this.#rest !== undefined;
  }

  /** What the network has taken so far, on this connection. */
  get sentBytes(): number {
    const socket = this.#ownSocket();
    return socket === undefined ? 0 : socket.bytesWritten - socket.writableLength;
  }

  /** Keeps what is sent until {@link uncork}, to send it in one piece. */
  cork(): void {
    this.#ownSocket()?.cork();
  }

  uncork(): void {
    this.#ownSocket()?.uncork();
  }

  /** Sends what is of this reader alone. */
  tell(content: Buffer): void {
    this.send(chunkOf(content));
  }

  /** Sends a chunk, which may be shared with others. */
  send(chunk: Buffer): void {
    const socket = this.#ownSocket();
    if (socket === undefined) this.#response.write(contentOf(chunk), this.#onSent);
    else this.#write(socket, this.#isChunked ? chunk : contentOf(chunk));
  }

  #write(socket: Socket, bytes: Buffer): void {
    if (this.#rest !== undefined) {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      return;
    }
    let rest = bytes;
    let room = this.#window() - socket.writableLength;
    // A large chunk goes in pieces, so that it can be seen whether the client takes any of it. Each round sends some.
    for (; rest.byteLength > room && room > 0; room = this.#window() - socket.writableLength) {
      socket.write(rest.subarray(0, room), this.#onSent);
      rest = rest.subarray(room);
    }
    if (rest.byteLength <= room) {
      socket.write(rest, this.#onSent);
      return;
    }
    this.#rest = rest;
    this.#awaitDrain();
  }

  get #waitingBytes(): number {
    return (this.#ownSocket() ?? this.#response).writableLength;
  }

  /** Absent while its client waits for the answer to an earlier request: Node keeps what is written until then. */
  #ownSocket(): Socket | undefined {
    return (this.#socket ??= this.#response.socket ?? undefined);
  }

  /** Listens only while there is something to wait for: most readers never are so slow. */
  #awaitDrain(): void {
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    (this.#ownSocket() ?? this.#response).once('drain', () => {
      this.#awaitsDrain = false;
      this.#drain();
    });
  }

  #drain(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined && this.#socket !== undefined) this.#write(this.#socket, rest);
    if (this.#rest === undefined) this.#onDrain();
  }
}
