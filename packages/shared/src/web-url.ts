import { WebSubError } from './errors.js';

/** The longest topic, callback or hub URL that is accepted, in bytes of UTF-8. */
export const URL_LENGTH_LIMIT = 2048;

// The WHATWG parser silently strips tab and line breaks and trims spaces; what is stored would then differ from what is used.
// So would half a surrogate pair, which no UTF-8 can hold.
const CONTROL_OR_SPACE = /[\u0000-\u0020\u007f-\u009f\u2028\u2029\p{Surrogate}]/u;

/**
 * Parses an absolute http or https URL that came from outside. The string itself is what gets stored and sent: topics
 * and callbacks are compared and used exactly as given (section 5.1.1).
 *
 * Throws `invalid_request` naming `field` for anything else: other schemes, user information, control characters or
 * spaces, port 0, a fragment, more than 2,048 bytes.
 */
export function parseWebUrl(value: string, field: string): URL {
  const refuse = (why: string): WebSubError => new WebSubError('invalid_request', `${field} ${why}`);
  // Programs without types, and those that assert a variable of the environment, come with anything.
  if (typeof (value as unknown) !== 'string') throw refuse('is no text: send an absolute http or https URL');
  if (value === '') throw refuse('is empty: send an absolute http or https URL');
  if (Buffer.byteLength(value) > URL_LENGTH_LIMIT)
    throw refuse(`is longer than ${URL_LENGTH_LIMIT} bytes: use a shorter URL`);
  if (CONTROL_OR_SPACE.test(value)) throw refuse('has a control character or a space: percent-encode it');
  if (!URL.canParse(value)) throw refuse('is not a URL: send an absolute http or https URL');
  const url = new URL(value);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refuse(`has the scheme ${url.protocol} use http or https`);
  // "http:example.com" and "http:/example.com" parse too, but no other party reads them alike.
  if (!/^https?:\/\/[^/\\]/i.test(value))
    throw refuse('is not an absolute URL: send http:// or https:// and a host');
  // Empty user information leaves no trace in the URL, but other parsers take another host from it.
  if (/^[^/]*\/\/[^/?#]*@/.test(value)) throw refuse('has user information: leave out "user:password@"');
  if (url.port === '0') throw refuse('has port 0: use the port on which it listens');
  if (url.hash !== '' || value.includes('#'))
    throw refuse('has a fragment: leave out everything from "#" on');
  return url;
}

/** A URL for logs and events: without query and user information, which may carry capabilities (LAW 10). */
export function urlForLogs(value: string): string {
  if (!URL.canParse(value)) return '(not a URL)';
  const { origin, pathname, protocol } = new URL(value);
  // The path of a data:, mailto: or blob: URL may hold anything.
  return protocol === 'http:' || protocol === 'https:' ? origin + pathname : '(not a web URL)';
}
