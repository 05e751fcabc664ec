import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentTypeOrDefault, digestOf, charsetOf, mediaTypeOf, type Content } from './content.js';

describe('contentTypeOrDefault', () => {
  it.each([
    'text/plain',
    'text/html; charset=utf-8',
    'text/plain;charset=UTF-8',
    'application/atom+xml; type=feed ; charset="utf-8"',
    'application/vnd.api+json',
    'multipart/mixed; boundary="a, b; c"',
    'TEXT/HTML',
    'x-a/x_b.c-d!e#f$g&h^i',
    'application/json;',
  ])('keeps %s whole', (value) => {
    expect(contentTypeOrDefault(value)).toBe(value);
  });

  it.each([
    undefined,
    '',
    ' ',
    'text',
    'text/',
    '/html',
    'text/html/x',
    'text /html',
    'text/html, text/plain',
    'text/html\r\nX-Evil: 1',
    'text/html; a=\r\n b',
    'text/html; a=\0',
    'text/html; a=é',
    'text/html; a=\x7f',
    '*/*',
    '"text/html"',
    `text/html; a=${'x'.repeat(256)}`,
  ])('takes application/octet-stream instead of %j', (value) => {
    expect(contentTypeOrDefault(value)).toBe('application/octet-stream');
  });

  it('trims what stands around', () => {
    expect(contentTypeOrDefault(' text/html\t')).toBe('text/html');
  });

  it('keeps 256 characters and no more', () => {
    const longest = `text/html; a=${'x'.repeat(256 - 13)}`;
    expect(contentTypeOrDefault(longest)).toBe(longest);
    expect(contentTypeOrDefault(`${longest}x`)).toBe('application/octet-stream');
  });

  it('lets nothing through that a header must not hold', () => {
    const signs = fc.string({
      unit: fc.oneof(
        fc.constantFrom('a', '/', ';', ' ', '\t', '\r', '\n', '\0', '"', '='),
        fc.string({ unit: 'binary', maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          signs,
          signs.map((tail) => `text/html;${tail}`),
        ),
        (value) => {
          expect(contentTypeOrDefault(value)).toMatch(/^[\t\x20-\x7e]+$/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('mediaTypeOf', () => {
  it.each([
    ['text/html', 'text/html'],
    ['Text/HTML; charset=UTF-8', 'text/html'],
    [' application/json ;x=y;z', 'application/json'],
    ['', ''],
    [';', ''],
  ])('of %j is %j', (contentType, mediaType) => {
    expect(mediaTypeOf(contentType)).toBe(mediaType);
  });
});

describe('charsetOf', () => {
  it.each([
    ['text/plain', undefined],
    ['text/plain; charset=UTF-8', 'UTF-8'],
    ['text/plain;format=flowed; Charset = "iso-8859-1"', 'iso-8859-1'],
    ['text/plain; charset=', undefined],
  ])('of %j is %j', (contentType, charset) => {
    expect(charsetOf(contentType)).toBe(charset);
  });
});

describe('digestOf', () => {
  const text = (body: string): Content => ({
    contentType: 'text/plain',
    body: new TextEncoder().encode(body),
  });

  it('tells the same bytes of two media types apart', () => {
    expect(digestOf({ ...text('{}'), contentType: 'application/json' })).not.toBe(digestOf(text('{}')));
  });

  it('is SHA-256 in base64', () => {
    // printf 'text/plain\nabc' | openssl dgst -sha256 -binary | base64
    expect(digestOf(text('abc'))).toBe('7gIwSOLVOAQG0FIgesKAz6YXTzPZR7hVUF2Ci2HcDvM=');
  });

  it('looks only at the bytes of a view', () => {
    const whole = new TextEncoder().encode('xabcx');
    expect(digestOf({ contentType: 'text/plain', body: whole.subarray(1, 4) })).toBe(digestOf(text('abc')));
  });

  it('tells contents apart, and equal ones not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
        const [first, second, copy] = [one, other, Uint8Array.from(one)].map((body) =>
          digestOf({ contentType: 'text/plain', body }),
        );
        expect(first === second).toBe(Buffer.compare(one, other) === 0);
        expect(copy).toBe(first);
      }),
    );
  });
});
