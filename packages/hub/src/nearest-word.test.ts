import { describe, expect, it } from 'vitest';
import { nearestWord } from './nearest-word.js';

describe('the nearest word', () => {
  const words = ['port', 'publish', 'public-url', 'max-body'];

  it.each([
    ['Port', 'port'],
    ['prot', 'port'],
    ['public_url', 'public-url'],
    ['publicurl', 'public-url'],
    ['pubish', 'publish'],
    ['maxBodyy', 'max-body'],
  ])('of %s is %s', (written, nearest) => {
    expect(nearestWord(written, words)).toBe(nearest);
  });

  it.each(['', 'x', 'retention', 'p'.repeat(1_000_000)])('is none where all are far: %.20s', (written) => {
    expect(nearestWord(written, words)).toBeUndefined();
  });
});
