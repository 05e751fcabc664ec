/** Pieces of a response whose length nobody knows yet, as HTTP/1.1 sends them (RFC 9112 §7.1): pure. */

const LINE_END = '\r\n';
/** What ends the response. */
export const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** The chunk that carries this; a text in UTF-8, which is written once. */
export function chunkOf(content: Buffer | string): Buffer {
  if (typeof content === 'string')
    return Buffer.from(`${Buffer.byteLength(content).toString(16)}${LINE_END}${content}${LINE_END}`);
  const size = Buffer.from(content.byteLength.toString(16) + LINE_END, 'latin1');
  return Buffer.concat([size, content, Buffer.from(LINE_END)]);
}

/** What a chunk of {@link chunkOf} carries: the same memory. */
export function contentOf(chunk: Buffer): Buffer {
  return chunk.subarray(chunk.indexOf(LINE_END) + LINE_END.length, -LINE_END.length);
}
