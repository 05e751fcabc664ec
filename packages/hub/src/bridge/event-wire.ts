import type { Socket } from 'node:net';
import { chunkOf, contentOf, LAST_CHUNK } from './chunk.js';

/** The connection of an answer whose head was sent, and which ends with it. */
export interface StreamConnection {
  readonly socket: Socket;
  /** Clients of HTTP/1.0 know no chunks. */
  readonly isChunked: boolean;
}

export interface EventWireOptions {
  readonly connection: StreamConnection;
  /** Bytes that may wait for the network at this moment. */
  readonly window: () => number;
  /** It was full, or a chunk was not sent whole, and that is over. */
  readonly onDrain: () => void;
  /** The network has taken everything that was sent so far. Absent where nobody wants to know. */
  readonly onSent: (() => void) | undefined;
}

/**
 * What events are written to: a connection, as much as its window takes (LAW 7). Chunks go straight to the socket, and one that
 * was made for all readers is written as it is: `ServerResponse.write` makes four pieces of it for each of them, which
 * together with joining these again took as much time as the network.
 */
export class EventWire {
  readonly #socket: Socket;
  readonly #isChunked: boolean;
  readonly #window: () => number;
  readonly #onDrain: () => void;
  readonly #onSent: (() => void) | undefined;
  /** What did not fit into the window: the end of a chunk that was begun, and what was to follow it. */
  #rest: Buffer | undefined;
  #awaitsDrain = false;

  constructor({ connection, window, onDrain, onSent }: EventWireOptions) {
    this.#socket = connection.socket;
    this.#isChunked = connection.isChunked;
    this.#window = window;
    this.#onDrain = onDrain;
    // Node says so of what a connection still had when it closed, too.
    this.#onSent =
      onSent &&
      (() => {
        const { errored, destroyed } = this.#socket;
        if (this.isIdle && errored === null && !destroyed) onSent();
      });
  }

  /** Bytes that it takes at the moment; 0 when it is full, and then `onDrain` is called once it no longer is. */
  get room(): number {
    const room = this.#rest === undefined ? this.#window() - this.#socket.writableLength : 0;
    if (room > 0) return room;
    this.#awaitDrain();
    return 0;
  }

  /** Whether the network has taken everything. */
  get isIdle(): boolean {
    return this.#rest === undefined && this.#socket.writableLength === 0;
  }

  /** Whether something of a chunk is still here. */
  get hasRest(): boolean {
    return this.#rest !== undefined;
  }

  /** What the network has taken so far, on this connection. */
  get sentBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** Keeps what is sent until {@link uncork}, to send it in one piece. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Sends what is of this reader alone. */
  tell(content: Buffer): void {
    this.send(chunkOf(content));
  }

  /** Sends a chunk, which may be shared with others. */
  send(chunk: Buffer): void {
    this.#write(this.#isChunked ? chunk : contentOf(chunk));
  }

  /** Ends the answer, and the connection once everything has gone. Nothing may be left to send. */
  end(): void {
    if (this.#isChunked) this.#socket.end(LAST_CHUNK);
    else this.#socket.end();
  }

  /** Drops the connection, and what waits. */
  cut(): void {
    this.#socket.destroy();
  }

  #write(bytes: Buffer): void {
    if (this.#rest !== undefined) {
      this.#rest = Buffer.concat([this.#rest, bytes]);
      return;
    }
    const socket = this.#socket;
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

  /** Listens only while there is something to wait for: most readers never are so slow. */
  #awaitDrain(): void {
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.#socket.once('drain', () => {
      this.#awaitsDrain = false;
      this.#drain();
    });
  }

  #drain(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#write(rest);
    if (this.#rest === undefined) this.#onDrain();
  }
}
