import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hmacSha256 } from './hmac.js';

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

describe('hmacSha256', () => {
  it.each([
    [
      '1',
      bytes('0b'.repeat(20)),
      'Hi There',
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    ],
    [
      '2',
      'Jefe',
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      '3',
      bytes('aa'.repeat(20)),
      bytes('dd'.repeat(50)),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    ],
    [
      '6, with a key longer than a block',
      bytes('aa'.repeat(131)),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('answers test case %s of RFC 4231', (_name, key, message, digest) => {
    expect(hmacSha256(key, [message], 'hex')).toBe(digest);
  });

  it('is what Node makes of any key and any pieces, one after the other', () => {
    const piece = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(piece, fc.array(piece), (key, pieces) => {
        const expected = createHmac('sha256', key);
        for (const each of pieces) expected.update(each);
        expect(hmacSha256(key, pieces, 'base64')).toBe(expected.digest('base64'));
      }),
    );
  });

  it.each([16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100_000])('is right for %i bytes', (length) => {
    const message = Buffer.alloc(length, 'x');
    expect(hmacSha256('key', [message], 'hex')).toBe(
      createHmac('sha256', 'key').update(message).digest('hex'),
    );
  });
});
