/** An HTTP/1.1 message as it came: start line and headers, and the bytes of its body. */
export interface Message {
  /** Up to the empty line. */
  readonly head: string;
  readonly body: Buffer;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts a keep-alive connection into messages, by `Content-Length` only. The processes around the hub are no part of what is
 * measured, but they share its processors: a parser that does no more than this leaves most of them to the hub.
 */
export class MessageStream {
  readonly #onMessage: (message: Message) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Bytes without which the message under way cannot be complete. */
  #needed = 0;

  constructor(onMessage: (message: Message) => void) {
    this.#onMessage = onMessage;
  }

  push(chunk: Buffer): void {
    this.#pieces.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes < this.#needed) return;
    let rest = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#bytes);
    this.#needed = 0;
    // Each round takes a message off, or is the last.
    for (;;) {
      const headEnds = rest.indexOf(END_OF_HEAD);
      if (headEnds < 0) break;
      const head = rest.toString('latin1', 0, headEnds);
      const bodyStarts = headEnds + END_OF_HEAD.byteLength;
      const ends = bodyStarts + Number(LENGTH.exec(head)?.[1] ?? 0);
      if (rest.byteLength < ends) {
        this.#needed = ends;
        break;
      }
      this.#onMessage({ head, body: rest.subarray(bodyStarts, ends) });
      rest = rest.byteLength === ends ? NOTHING : rest.subarray(ends);
      if (rest.byteLength === 0) break;
    }
    this.#pieces = rest.byteLength === 0 ? [] : [rest];
    this.#bytes = rest.byteLength;
  }
}

/** The value of a header; `undefined` when it is not there. */
export function headerOf(head: string, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r\\n]*)`, 'i').exec(head)?.[1];
}
