import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(root + file, 'utf8');
const page = read('docs/security.md');

/** `[title of a test](../file)`, as the rows name what shows them. */
const PROOF = /\[((?:[^\][]|\[[^\]]*\])*)\]\(\.\.\/([^)]+\.test\.ts)\)/g;

const rows = page.split('\n').filter((line) => /^\| (?:[TF]\d+|[^|]*) \| .*\.test\.ts\)/.test(line));

describe('docs/security.md', () => {
  it('names for each row tests that are there', () => {
    const missing = [...page.matchAll(PROOF)].flatMap(([, title = '', file = '']) => {
      if (!existsSync(root + file)) return [`${file} is not there`];
      // Titles may hold quotes that the source escapes.
      return read(file).replaceAll("\\'", "'").includes(title)
        ? []
        : [`${file} has no test "${title}": name in docs/security.md what shows it now`];
    });
    expect(missing).toEqual([]);
    expect(rows.length).toBeGreaterThan(70);
  });

  it.each([
    ['T', 34],
    ['F', 19],
  ])('has every row %s, each with a test', (letter, count) => {
    const numbers = page
      .split('\n')
      .filter((line) => new RegExp(`^\\| ${letter}\\d+ `).test(line))
      .map((line) => ({ number: /^\| (\w+)/.exec(line)?.[1], proofs: [...line.matchAll(PROOF)].length }));
    expect(new Set(numbers.map(({ number }) => number)).size).toBe(count);
    expect(numbers.filter(({ proofs }) => proofs === 0)).toEqual([]);
  });

  it('names flags that there are', () => {
    const help = read('packages/hub/README.md');
    const flags = new Set([...page.matchAll(/`(--[a-z-]+)`/g)].map(([, flag = '']) => flag));
    expect([...flags].filter((flag) => !help.includes(`\`${flag}\``))).toEqual([]);
  });
});

describe('the parts that others wrote', () => {
  it('no dependency may run a script when it is installed, and each is locked with its hash', () => {
    expect(read('pnpm-workspace.yaml')).toContain('onlyBuiltDependencies: []\n');
    const resolutions = [...read('pnpm-lock.yaml').matchAll(/^ {4}resolution: (.*)$/gm)].map(
      ([, how = '']) => how,
    );
    expect(resolutions.length).toBeGreaterThan(100);
    expect(resolutions.filter((how) => !how.includes('integrity: sha512-'))).toEqual([]);
  });
});
