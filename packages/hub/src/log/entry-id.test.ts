import { systemRandom } from '@websub/shared';
import { expect, it } from 'vitest';
import { entryId } from './entry-id.js';

const NOW = Date.UTC(2026, 10, 21, 12);

it('ids of one time begin alike, are never the same, and can travel in headers and addresses', () => {
  const ids = Array.from({ length: 1_000 }, () => entryId(NOW + 0.5, systemRandom, 10));
  expect(new Set(ids).size).toBe(1_000);
  expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(1);
  expect(ids.every((id) => /^[\w-]{22}$/.test(id))).toBe(true);
  expect(entryId(NOW + 1_000, systemRandom, 10).slice(0, 5)).toBe(ids[0]?.slice(0, 5));
});
