import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { filledIn, type KeptResult } from '../../bench/dist/tables.js';

const ROOT = new URL('../../', import.meta.url);

function resultsOf(bench: string): readonly KeptResult[] {
  return JSON.parse(readFileSync(new URL(`bench/results/${bench}.json`, ROOT), 'utf8')) as KeptResult[];
}

/** However wide its columns are. */
function unpadded(page: string): string {
  return page.replace(/ {2,}/g, ' ').replace(/-{3,}/g, '---');
}

it('docs/performance.md tells what was measured, and nothing that was measured wrong', () => {
  const page = readFileSync(new URL('docs/performance.md', ROOT), 'utf8');
  const places = page.match(/<!-- measured: [\w-]+ -->/g) ?? [];
  expect(places.length).toBeGreaterThan(8);
  const told: KeptResult[] = [];
  const filled = filledIn(page, (bench) => {
    const results = resultsOf(bench);
    told.push(...results);
    return results;
  });
  expect(unpadded(page)).toBe(unpadded(filled));
  expect(told.flatMap(({ problems }) => problems)).toEqual([]);
});
