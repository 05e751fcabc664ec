import { describe, expect, it } from 'vitest';
import { isNestedTooDeep, MOST_NESTED } from './nesting.js';

const lists = (depth: number, inside = ''): string => '['.repeat(depth) + inside + ']'.repeat(depth);

describe('JSON', () => {
  it.each([
    ['nothing', ''],
    ['as deep as may be', lists(MOST_NESTED)],
    ['wide', `[${Array.from({ length: 1_000 }, () => '{"a":[]}').join(',')}]`],
    [
      'brackets in strings',
      JSON.stringify({ a: '['.repeat(1_000), b: '\\"'.repeat(300) + '{'.repeat(1_000) }),
    ],
  ])('nests not too deep: %s', (_what, json) => {
    expect(isNestedTooDeep(json)).toBe(false);
  });

  it.each([
    ['lists', lists(MOST_NESTED + 1)],
    ['objects', '{"a":'.repeat(MOST_NESTED + 1) + '1' + '}'.repeat(MOST_NESTED + 1)],
    ['behind a string', `["\\\\",${lists(MOST_NESTED)}]`],
  ])('nests too deep: %s', (_what, json) => {
    expect(isNestedTooDeep(json)).toBe(true);
  });
});
