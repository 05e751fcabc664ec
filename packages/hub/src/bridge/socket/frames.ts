import { PIECE_BYTES } from '../outbox.js';

/**
 * A text message as it goes over the wire (RFC 6455 §5): one frame, or several when it is large, so that pings and what
 * the peer has taken can be seen in between. A server's frames are not masked: the same bytes are good for every client.
 */
export type Message = readonly Buffer[];

const TEXT = 0x1;
const CONTINUATION = 0x0;
const FINAL = 0x80;

/** The message whose text, as UTF-8, is this. */
export function messageOf(text: string | Uint8Array): Message {
  return framesOf(TEXT, typeof text === 'string' ? Buffer.from(text) : text);
}

/** What its frames take. */
export function bytesOf(message: Message): number {
  return message.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** The end of a message that begins with {@link beginningOf}, equal for all whose messages end so. */
export function endingOf(text: Uint8Array): readonly Buffer[] {
  return framesOf(CONTINUATION, text);
}

/** The beginning of a message of which more follows. */
export function beginningOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([headOf(TEXT, bytes.byteLength), bytes]);
}

function framesOf(opcode: typeof TEXT | typeof CONTINUATION, bytes: Uint8Array): readonly Buffer[] {
  const frames: Buffer[] = [];
  let start = 0;
  // Each round takes at least one byte; an empty text is one empty frame.
  do {
    const part = bytes.subarray(start, start + PIECE_BYTES);
    const isLast = start + part.byteLength >= bytes.byteLength;
    const kind = start === 0 ? opcode : CONTINUATION;
    frames.push(Buffer.concat([headOf(isLast ? kind | FINAL : kind, part.byteLength), part]));
    start += PIECE_BYTES;
  } while (start < bytes.byteLength);
  return frames;
}

function headOf(first: number, length: number): Buffer {
  if (length < 126) return Buffer.from([first, length]);
  if (length < 0x1_00_00) {
    const head = Buffer.from([first, 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeUInt32BE(length, 6);
  return head;
}
