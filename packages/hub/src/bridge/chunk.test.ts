import { describe, expect, it } from 'vitest';
import { chunkOf, contentOf } from './chunk.js';

describe('a chunk', () => {
  it.each([
    [':\n', '2\r\n:\n\r\n'],
    ['data: \u20ac\r\n\n', 'c\r\ndata: \u20ac\r\n\n\r\n'],
    ['x'.repeat(256), `100\r\n${'x'.repeat(256)}\r\n`],
  ])('tells how many bytes it carries, and can be taken apart again: %j', (text, chunk) => {
    const content = Buffer.from(text);
    expect(chunkOf(content).toString()).toBe(chunk);
    expect(chunkOf(text)).toEqual(chunkOf(content));
    expect(contentOf(chunkOf(content))).toEqual(content);
  });
});
