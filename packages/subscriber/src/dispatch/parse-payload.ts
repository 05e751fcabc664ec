import { mediaTypeOf } from '@websub/shared';

/**
 * The body by its media type: JSON parsed, XML and text as a string, a form as `URLSearchParams`, anything else as the
 * bytes. JSON that is none is given as text: what to make of it is the handler's business, or its schema's.
 */
export function parsePayload(raw: Uint8Array, contentType: string): unknown {
  const mediaType = mediaTypeOf(contentType);
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return parseJson(raw);
  if (mediaType === 'application/x-www-form-urlencoded') return new URLSearchParams(textOf(raw, contentType));
  if (mediaType.startsWith('text/') || /[/+]xml$/.test(mediaType)) return textOf(raw, contentType);
  return raw;
}

function parseJson(raw: Uint8Array): unknown {
  const text = new TextDecoder().decode(raw);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The body as text, by the charset that its content type names, else UTF-8. */
export function textOf(raw: Uint8Array, contentType: string): string {
  const charset = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1];
  return decoderFor(charset).decode(raw);
}

function decoderFor(charset: string | undefined): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset);
  } catch {
    // A name that nobody knows; UTF-8 is right far more often than not.
    return new TextDecoder();
  }
}
