import { expect, it } from 'vitest';
import { restartPauseMs } from './lasting-thread.js';

it('starts a thread again at once, and later the more often it has ended soon after its start, 30 s at most', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 100].map(restartPauseMs);
  expect(pauses).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});
