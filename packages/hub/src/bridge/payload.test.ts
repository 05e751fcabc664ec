import { describe, expect, it } from 'vitest';
import { entryWith } from './entry.sample.js';
import { payloadOf } from './payload.js';

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
