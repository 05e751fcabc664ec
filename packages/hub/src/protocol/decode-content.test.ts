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
