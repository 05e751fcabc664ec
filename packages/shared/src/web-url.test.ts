import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSubError } from './errors.js';
import { parseWebUrl, URL_LENGTH_LIMIT, urlForLogs } from './web-url.js';

function refusalOf(value: string): string {
  try {
    parseWebUrl(value, 'hub.topic');
  } catch (thrown) {
    if (thrown instanceof WebSubError && thrown.code === 'invalid_request') return thrown.message;
    throw thrown;
  }
  return 'none';
}

describe('parseWebUrl', () => {
  it.each([
    'http://example.com',
    'https://example.com/',
    'HTTPS://EXAMPLE.com/Path?q=%20+#'.replace('#', ''),
    'http://example.com:8080/a/../b?x=y?z&',
    'http://example.com:80/',
    'http://example.com:/',
    'http://127.0.0.1:3000/',
    'http://[::1]:3000/',
    'http://localhost/',
    'https://bücher.example/ü?ü=😀',
    'https://example.com/@user:password',
    'https://example.com/?mail=a@b',
    'https://example.com?@',
    'http://example.com/%23%0d%0a%00',
    'http://example.com.',
    'http://xn--bcher-kva.example/',
  ])('takes %s', (value) => {
    expect(parseWebUrl(value, 'hub.topic').href).toBe(new URL(value).href);
  });

  it.each([
    ['nothing', '', 'is empty'],
    ['an unset variable', undefined as unknown as string, 'is no text'],
    ['a relative URL', '/feed', 'is not a URL'],
    ['a URL without a scheme', '//example.com/', 'is not a URL'],
    ['words', 'feed', 'is not a URL'],
    ['ftp', 'ftp://example.com/', 'has the scheme ftp: use http or https'],
    ['javascript', 'javascript:alert(1)', 'has the scheme javascript: use'],
    ['data', 'data:text/html,x', 'has the scheme data:'],
    ['file', 'file:///etc/passwd', 'has the scheme file:'],
    ['ws', 'ws://example.com/', 'has the scheme ws:'],
    ['blob', 'blob:http://example.com/x', 'has the scheme blob:'],
    ['a scheme that begins with http', 'httpx://example.com/', 'has the scheme httpx:'],
    ['a URL without slashes', 'http:example.com', 'is not an absolute URL'],
    ['a URL with one slash', 'http:/example.com', 'is not an absolute URL'],
    ['a URL with three slashes', 'http:///example.com', 'is not an absolute URL'],
    ['backslashes for slashes', 'http:\\\\example.com\\', 'is not an absolute URL'],
    ['a backslash for the second slash', 'http:/\\example.com', 'is not an absolute URL'],
    ['no host', 'http://', 'is not a URL'],
    ['a host of only a port', 'http://:80/', 'is not a URL'],
    ['a user', 'http://user@example.com/', 'has user information'],
    ['a password', 'http://user:word@example.com/', 'has user information'],
    ['only a password', 'http://:word@example.com/', 'has user information'],
    ['an empty user', 'http://@example.com/', 'has user information'],
    ['an empty user and password', 'http://:@example.com/', 'has user information'],
    ['two at signs', 'http://a@b@example.com/', 'has user information'],
    ['a backslash before an at sign', 'http://example.com\\@evil.example/', 'has user information'],
    ['port 0', 'http://example.com:0/', 'has port 0'],
    ['port 0 in many digits', 'http://example.com:0000/', 'has port 0'],
    ['port 65536', 'http://example.com:65536/', 'is not a URL'],
    ['a port that is no number', 'http://example.com:http/', 'is not a URL'],
    ['a fragment', 'http://example.com/#part', 'has a fragment'],
    ['an empty fragment', 'http://example.com/#', 'has a fragment'],
    ['a fragment behind the query', 'http://example.com/?a#b', 'has a fragment'],
    ['a tab', 'http://exam\tple.com/', 'has a control character'],
    ['a line feed', 'http://example.com/\n', 'has a control character'],
    ['a line feed in the scheme', 'ht\ntp://example.com/', 'has a control character'],
    ['a carriage return', 'http://example.com/a\rb', 'has a control character'],
    ['NUL', 'http://example.com/\0', 'has a control character'],
    ['a space in front', ' http://example.com/', 'has a control character'],
    ['a space behind', 'http://example.com/ ', 'has a control character'],
    ['a space within', 'http://example.com/a b', 'has a control character'],
    ['DEL', 'http://example.com/\x7f', 'has a control character'],
    ['NEL of C1', 'http://example.com/\x85', 'has a control character'],
    ['a line separator', 'http://example.com/\u2028', 'has a control character'],
    ['half a surrogate pair', 'http://example.com/\ud83d', 'has a control character'],
    ['the other half', 'http://example.com/\ude00x', 'has a control character'],
    ['an open bracket', 'http://[::1/', 'is not a URL'],
    ['a zone', 'http://[fe80::1%25eth0]/', 'is not a URL'],
    ['a percent-encoded separator in the host', 'http://example.com%2Fevil/', 'is not a URL'],
    ['a percent-encoded NUL in the host', 'http://example.com%00/', 'is not a URL'],
    ['an address out of range', 'http://256.256.256.256/', 'is not a URL'],
  ])('judges %s', (_what, value, why) => {
    expect(refusalOf(value)).toContain(why);
  });

  it.each([
    'http://①②⑦.⓪.⓪.①/',
    'http://127。0。0。1/',
    'http://１２７.１/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://017700000001/',
    'http://127.0.0.1./',
    'http://%31%32%37.1/',
  ])('reads %s as the address that it means', (value) => {
    expect(parseWebUrl(value, 'hub.callback').hostname).toBe('127.0.0.1');
  });

  it('takes 2,048 bytes and refuses one more', () => {
    const start = 'http://example.com/';
    expect(refusalOf(start + 'x'.repeat(URL_LENGTH_LIMIT - start.length))).toBe('none');
    expect(refusalOf(start + 'x'.repeat(URL_LENGTH_LIMIT - start.length + 1))).toContain(
      'is longer than 2048 bytes',
    );
  });

  it('counts the bytes of other scripts, not the characters', () => {
    expect(refusalOf(`http://example.com/${'é'.repeat(1014)}x`)).toBe('none');
    expect(refusalOf(`http://example.com/${'é'.repeat(1015)}`)).toContain('is longer than 2048 bytes');
  });

  it('names the field', () => {
    expect(() => parseWebUrl('x', 'hub.callback')).toThrow(/^hub\.callback is not a URL: /);
  });

  it('takes or refuses any text, and what it takes means the same to every reader', () => {
    const signs = fc.array(
      fc.constantFrom(
        'http',
        'https',
        ':',
        '/',
        '\\',
        '@',
        '#',
        '?',
        '.',
        'a',
        '1',
        '[',
        ']',
        '%',
        '%00',
        '\t',
        '\u00ad',
        '①',
        '。',
        ':0',
        ':80',
        '\ud800',
      ),
      { maxLength: 10 },
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      signs.map((parts) => `http://${parts.join('')}`),
      signs.map((parts) => parts.join('')),
    );
    const isSound = (value: string): boolean => {
      const url = parseWebUrl(value, 'hub.topic');
      const clean =
        url.username === '' &&
        url.password === '' &&
        url.hash === '' &&
        url.hostname !== '' &&
        url.port !== '0';
      return clean && /^https?:$/.test(url.protocol) && Buffer.from(value).toString() === value;
    };
    fc.assert(
      fc.property(text, (value) => {
        expect(refusalOf(value) !== 'none' || isSound(value)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('urlForLogs', () => {
  it.each([
    ['https://user:word@example.com:8443/a/b?token=T#f', 'https://example.com:8443/a/b'],
    ['http://example.com', 'http://example.com/'],
    ['http://example.com/a\r\nb', 'http://example.com/ab'],
    ['http://example.com/\u001b[31m', 'http://example.com/%1B[31m'],
    ['nonsense', '(not a URL)'],
    ['', '(not a URL)'],
    ['data:text/plain,S3CRET', '(not a web URL)'],
    ['mailto:user@example.com', '(not a web URL)'],
    ['blob:http://user:word@example.com/x', '(not a web URL)'],
  ])('of %j is %s', (value, logged) => {
    expect(urlForLogs(value)).toBe(logged);
  });

  it('shows no query, no user information and no control character of anything', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('http://h/', 'https://u:S3CRET@h/?S3CRET=', 'data:', ''),
        (text, start) => {
          const logged = urlForLogs(start + text);
          expect(logged).toMatch(/^[\x20-\x7e]*$/);
          expect(logged).not.toContain('S3CRET');
        },
      ),
      { numRuns: 1000 },
    );
  });
});
