import type { RawData, WebSocket } from 'ws';
import { isNestedTooDeep } from '../nesting.js';

export interface InboxOptions {
  readonly webSocket: WebSocket;
  /** Takes a text; the next one comes when it has settled. */
  readonly take: (text: string) => void | Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** What a client says, one text after the other. While it is not wanted, nothing is read from the network (LAW 8). */
export class Inbox {
  readonly #options: InboxOptions;
  /** Texts that had been read already: those of one read from the network at most. */
  #texts: string[] = [];
  #taking = false;
  #held = false;
  #ended = false;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Whether nothing is read from the client at the moment. */
  get isPaused(): boolean {
    return this.#options.webSocket.isPaused;
  }

  /** Reads on, or not. */
  hold(held: boolean): void {
    if (this.#held === held) return;
    this.#held = held;
    this.#next();
  }

  /** A message has come. False when it is no text, or none that is read. */
  receive(data: RawData, isText: boolean): boolean {
    // With the binary type that ws has unless told otherwise, a message is one buffer.
    if (!isText || !Buffer.isBuffer(data)) return false;
    const text = data.toString();
    if (isNestedTooDeep(text)) return false;
    // Not through the list: once it has held anything, it takes 150 bytes.
    if (this.#isFree && this.#texts.length === 0) this.#take(text);
    else this.#texts.push(text);
    this.#regulate();
    return true;
  }

  /** Takes nothing more; what still comes is read and dropped, so that the close frame of the client is seen. */
  end(): void {
    this.#ended = true;
    this.#texts = [];
    this.#options.webSocket.resume();
  }

  get #isFree(): boolean {
    return !this.#ended && !this.#taking && !this.#held;
  }

  #next(): void {
    // Ends when nothing is left, or something has to settle first.
    while (this.#isFree) {
      const text = this.#texts.shift();
      if (text === undefined) break;
      this.#take(text);
    }
    this.#regulate();
  }

  #take(text: string): void {
    try {
      const taking = this.#options.take(text);
      if (taking === undefined) return;
      this.#taking = true;
      taking
        .catch((error: unknown) => this.#options.onFailure(error))
        .finally(() => {
          this.#taking = false;
          this.#next();
        });
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  #regulate(): void {
    const { webSocket } = this.#options;
    const wanted = this.#ended || !(this.#taking || this.#held);
    if (wanted && webSocket.isPaused) webSocket.resume();
    else if (!wanted && !webSocket.isPaused) webSocket.pause();
  }
}
