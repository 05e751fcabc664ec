import fc from 'fast-check';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeContent } from './decode-content.js';

const text = Buffer.from('content '.repeat(100));

describe('decodeContent', () => {
  it.each([
    ['gzip', gzipSync(text)],
    ['X-GZIP', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', text],
    [undefined, text],
  ])('takes off %s', async (coding, body) => {
    const decoded = await decodeContent(body, coding, 10_000);
    expect(decoded.kind === 'decoded' && text.equals(decoded.body)).toBe(true);
  });

  it('refuses a bomb, a chain, an unknown coding and broken data', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    for (const [coding, body] of [
      ['gzip', bomb],
      ['gzip, gzip', gzipSync(gzipSync(text))],
      ['compress', text],
      ['gzip', text],
    ] as const) {
      expect((await decodeContent(body, coding, 1_000_000)).kind).toBe('failure');
    }
  });
});

it('any bytes in any coding are decoded within the limit, or a failure', async () => {
  const coding = fc.oneof(
    fc.string(),
    fc.constantFrom('gzip', 'x-gzip', 'deflate', 'br', ' GZIP ', 'gzip, gzip'),
  );
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.nat(100_000).map((length) => new Uint8Array(gzipSync(Buffer.alloc(length)))),
  );
  await fc.assert(
    fc.asyncProperty(bytes, coding, async (body, name) => {
      const decoded = await decodeContent(body, name, 10_000);
      const size = decoded.kind === 'decoded' ? decoded.body.byteLength : 0;
      expect(size).toBeLessThanOrEqual(10_000);
    }),
  );
});
