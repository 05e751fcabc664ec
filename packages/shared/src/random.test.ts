import { describe, expect, it } from 'vitest';
import { CHALLENGE_BYTES, isSafeChallenge } from './intent.js';
import { systemRandom } from './random.js';

describe('systemRandom', () => {
  it('gives fractions from 0 up to 1', () => {
    for (let count = 0; count < 1000; count++) {
      const fraction = systemRandom.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
    }
  });

  it('gives tokens that a URL and a challenge can hold, and no two alike', () => {
    const tokens = Array.from({ length: 1000 }, () => systemRandom.token(CHALLENGE_BYTES));
    expect(tokens.every((token) => /^[A-Za-z0-9_-]{43}$/.test(token) && isSafeChallenge(token))).toBe(true);
    expect(new Set(tokens).size).toBe(1000);
  });

  it('holds as many bytes as asked for', () => {
    for (const count of [0, 1, 16, 64, 4_096, 10_000])
      expect(Buffer.from(systemRandom.token(count), 'base64url')).toHaveLength(count);
  });
});
