import { describe, expect, it } from 'vitest';
import { jsonOf } from './json-of.js';

describe('a body', () => {
  it('is read as JSON', () => {
    expect(jsonOf(Buffer.from('{"a":["é"]}'), 'an object')).toEqual({ a: ['é'] });
  });

  it.each([
    ['no JSON', Buffer.from('{'), /^the body is not JSON in UTF-8: send an object$/],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), /^the body is not JSON in UTF-8/],
    [
      'deeper than it could be written again',
      Buffer.from('['.repeat(9_000) + ']'.repeat(9_000)),
      /nests too deep/,
    ],
  ])('that is %s is refused with the cure', (_what, body, message) => {
    expect(() => jsonOf(body, 'an object')).toThrow(message);
  });
});
