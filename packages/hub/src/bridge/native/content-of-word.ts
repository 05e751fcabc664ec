import { contentTypeOrDefault, mediaTypeOf, WebSubError, type Content } from '@websub/shared';
import { isJsonType } from '../payload.js';
import type { Word } from './words.js';

const JSON_CONTENT = 'application/json';
const BYTES_CONTENT = 'application/octet-stream';

/** The content that a client publishes, in the words of an envelope. Throws `invalid_request` with the cure. */
export function contentOfWord(word: Word<'pub'>): Content {
  const { data, data_base64: base64, content_type: contentType } = word;
  if ((data === undefined) === (base64 === undefined))
    throw wrong('the content is missing or given twice: send data, or data_base64');
  if (contentType !== undefined && contentTypeOrDefault(contentType) !== contentType)
    throw wrong('content_type is no media type: send one such as text/plain');
  if (base64 !== undefined)
    return { body: Buffer.from(base64, 'base64'), contentType: contentType ?? BYTES_CONTENT };
  if (contentType === undefined || isJsonType(mediaTypeOf(contentType)))
    return { body: Buffer.from(JSON.stringify(data)), contentType: contentType ?? JSON_CONTENT };
  if (typeof data !== 'string')
    throw wrong('data is no text, as content_type says: send text, or JSON as application/json');
  return { body: Buffer.from(data), contentType };
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
