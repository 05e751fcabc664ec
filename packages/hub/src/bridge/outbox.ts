import type { Socket } from 'node:net';

export interface OutboxOptions {
  readonly socket: Socket;
  /** Bytes that may wait for the network at this moment. */
  readonly window: () => number;
  /** It was full, or something was not sent whole, and that is over. */
  readonly onDrain: () => void;
  /** The network has taken everything that was sent so far. Absent where nobody wants to know. */
  readonly onSent?: (() => void) | undefined;
}

/** What is larger goes in pieces, so that it can be seen whether the client takes any of it. */
export const PIECE_BYTES = 64 * 1024;

/**
 * What one client is sent, in order, as much of it as the window takes (LAW 7). Whoever gives entries asks first whether there is
 * room; the pieces of one that was begun, and what the hub has to say itself, wait here when there is none.
 */
export class Outbox {
  protected readonly socket: Socket;
  readonly #window: () => number;
  readonly #onDrain: () => void;
  readonly #onSent: (() => void) | undefined;
  /** What did not fit into the window. */
  #rest: Buffer[] | undefined;
  #awaitsDrain = false;

  constructor({ socket, window, onDrain, onSent }: OutboxOptions) {
    this.socket = socket;
    this.#window = window;
    this.#onDrain = onDrain;
    // Node says so of what a connection still had when it closed, too.
    this.#onSent =
      onSent &&
      (() => {
        const { errored, destroyed } = socket;
        if (this.isIdle && errored === null && !destroyed) onSent();
      });
  }

  /** Bytes that it takes at the moment; 0 when it is full, and then `onDrain` is called once it no longer is. */
  get room(): number {
    const room = this.#rest === undefined ? this.#window() - this.socket.writableLength : 0;
    if (room > 0) return room;
    this.#awaitDrain();
    return 0;
  }

  /** Whether the network has taken everything. */
  get isIdle(): boolean {
    return this.#rest === undefined && this.socket.writableLength === 0;
  }

  /** Whether something waits here that the network was not even offered. */
  get hasRest(): boolean {
    return this.#rest !== undefined;
  }

  /** What the network has taken so far, on this connection. */
  get sentBytes(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  /** Keeps what is sent until {@link uncork}, to send it in one piece. */
  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  /** Sends a piece, which may be shared with other clients. */
  write(piece: Buffer): void {
    if (this.#rest !== undefined) this.#rest.push(piece);
    else if (this.socket.writableLength < this.#window()) this.socket.write(piece, this.#onSent);
    else {
      this.#rest = [piece];
      this.#awaitDrain();
    }
  }

  /** Sends pieces of {@link PIECE_BYTES} at most. */
  writeAll(pieces: readonly Buffer[]): void {
    if (pieces.length > 1) this.cork();
    for (const piece of pieces) this.write(piece);
    if (pieces.length > 1) this.uncork();
  }

  /** Listens only while there is something to wait for: most clients never are so slow. */
  #awaitDrain(): void {
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    this.socket.once('drain', () => {
      this.#awaitsDrain = false;
      this.#drain();
    });
  }

  #drain(): void {
    const rest = this.#rest ?? [];
    this.#rest = undefined;
    this.writeAll(rest);
    if (this.#rest === undefined) this.#onDrain();
  }
}
