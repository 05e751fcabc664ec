import { describe, expect, it } from 'vitest';
import { entryWith } from './entry.sample.js';
import { payloadOf, Payloads } from './payload.js';

describe('the payload of an entry', () => {
  it.each([
    ['application/json', '{"a":1}', { kind: 'json', value: { a: 1 } }],
    [
      'application/json',
      '['.repeat(300) + ']'.repeat(300),
      { kind: 'text', text: '['.repeat(300) + ']'.repeat(300) },
    ],
    ['application/cloudevents+json; charset=utf-8', '[1]', { kind: 'json', value: [1] }],
    ['application/json', '{"a":', { kind: 'text', text: '{"a":' }],
    ['text/plain', 'häh', { kind: 'text', text: 'häh' }],
    ['application/atom+xml', '<feed/>', { kind: 'text', text: '<feed/>' }],
    ['image/png', 'x', { kind: 'binary' }],
    ['application/octet-stream', '{}', { kind: 'binary' }],
    ['text/plain; charset=klingon', 'x', { kind: 'binary' }],
  ])('of type %s with %s', (contentType, body, payload) => {
    expect(payloadOf(entryWith({ contentType, body }))).toEqual(payload);
  });

  it('is text in the encoding that its type names', () => {
    const body = Buffer.from('häh', 'latin1');
    expect(payloadOf(entryWith({ contentType: 'text/plain; charset="ISO-8859-1"', body }))).toEqual({
      kind: 'text',
      text: 'häh',
    });
    expect(payloadOf(entryWith({ contentType: 'text/plain', body }))).toEqual({ kind: 'binary' });
  });
});

it.each([
  [
    'application/json',
    '{"id": 12345678901234567890,\r\n "price": 1.10}',
    '{"id": 12345678901234567890,  "price": 1.10}',
  ],
  ['text/plain', 'a\nb', '"a\\nb"'],
  ['image/png', 'ab', '{"data_base64":"YWI="}'],
])('a body of type %s as JSON is one line, and says what was published', (contentType, body, json) => {
  expect(new Payloads().jsonOf(entryWith({ contentType, body }))).toBe(json);
});
