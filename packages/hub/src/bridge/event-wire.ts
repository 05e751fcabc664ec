import type { Socket } from 'node:net';
import { chunkOf, contentOf, LAST_CHUNK } from './chunk.js';
import { Outbox, PIECE_BYTES, type OutboxOptions } from './outbox.js';

/** The connection of an answer whose head was sent, and which ends with it. */
export interface StreamConnection {
  readonly socket: Socket;
  /** Clients of HTTP/1.0 know no chunks. */
  readonly isChunked: boolean;
}

export interface EventWireOptions extends Omit<OutboxOptions, 'socket'> {
  readonly connection: StreamConnection;
}

/**
 * What events are written to. Chunks go straight to the socket, and one that was made for all readers is written as it is:
 * `ServerResponse.write` makes four pieces of it for each of them, which together with joining these again took as much time as
 * the network.
 */
export class EventWire extends Outbox {
  readonly #isChunked: boolean;

  constructor({ connection, ...options }: EventWireOptions) {
    super({ ...options, socket: connection.socket });
    this.#isChunked = connection.isChunked;
  }

  /** Sends what is of this reader alone. */
  tell(content: Buffer): void {
    this.send(chunkOf(content));
  }

  /** Sends a chunk, which may be shared with others. */
  send(chunk: Buffer): void {
    const bytes = this.#isChunked ? chunk : contentOf(chunk);
    if (bytes.byteLength <= PIECE_BYTES) this.write(bytes);
    else this.writeAll([...piecesOf(bytes)]);
  }

  /** Ends the answer, and the connection once everything has gone. Nothing may be left to send. */
  end(): void {
    if (this.#isChunked) this.socket.end(LAST_CHUNK);
    else this.socket.end();
  }

  /** Drops the connection, and what waits. */
  cut(): void {
    this.socket.destroy();
  }
}

function* piecesOf(bytes: Buffer): Iterable<Buffer> {
  for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES)
    yield bytes.subarray(start, start + PIECE_BYTES);
}
