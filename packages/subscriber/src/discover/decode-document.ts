// Node.js 20 reads windows-1252, which is what ISO-8859-1 means too, as if its upper half held control characters.
const C1 = /[\u0080-\u009f]/g;
const UPPER_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** How much of a document is searched for what it says of its own encoding. */
const DECLARATION_LIMIT = 4_096;

/**
 * The text of a document: by its byte order mark, then by the charset of its media type, then by what it says of itself,
 * else as UTF-8. An encoding that nobody knows counts as UTF-8 too, since the markup is ASCII in all of them.
 */
export function decodeDocument(body: Uint8Array, contentType: string): string {
  const label = markOf(body) ?? charsetIn(contentType) ?? zeroBytesOf(body) ?? declaredIn(body) ?? 'utf-8';
  return decodedAs(label, body);
}

function decodedAs(label: string, body: Uint8Array): string {
  try {
    const decoder = new TextDecoder(label);
    const text = decoder.decode(body);
    return decoder.encoding === 'windows-1252'
      ? text.replace(C1, (char) => UPPER_1252.charAt(char.charCodeAt(0) - 0x80))
      : text;
  } catch {
    return new TextDecoder().decode(body);
  }
}

function markOf(body: Uint8Array): string | undefined {
  if (body[0] === 0xff && body[1] === 0xfe) return 'utf-16le';
  if (body[0] === 0xfe && body[1] === 0xff) return 'utf-16be';
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 'utf-8' : undefined;
}

/** UTF-16 without a mark: every other byte of its first characters, which are markup, is zero. */
function zeroBytesOf(body: Uint8Array): string | undefined {
  if (body[0] === 0 && body[1] !== 0 && body[2] === 0) return 'utf-16be';
  return body[0] !== 0 && body[1] === 0 && body[3] === 0 ? 'utf-16le' : undefined;
}

function charsetIn(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*["']?\s*([^\s"';]+)/i.exec(contentType)?.[1];
}

/** In an XML declaration, or in a `meta` element of a page. */
function declaredIn(body: Uint8Array): string | undefined {
  const start = Buffer.from(body.subarray(0, DECLARATION_LIMIT)).toString('latin1');
  const declaration = /^\s*<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"']+)["']/i.exec(start);
  const found = declaration ?? /<meta\s[^>]*?charset\s*=\s*["']?\s*([^\s"';/>]+)/i.exec(start);
  const label = found?.[1];
  // It was read as ASCII, so it is not what it says.
  return label !== undefined && /^utf-?16/i.test(label) ? 'utf-8' : label;
}
