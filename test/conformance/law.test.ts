import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('every law of docs/LAW.md has a test whose title begins with it', () => {
  const laws = [...readFileSync(join(root, 'docs/LAW.md'), 'utf8').matchAll(/^\| +(\d+) +\|/gm)].map(
    ([, law]) => law,
  );
  const folders = ['test', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/src`)];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
      .map((name) => join(root, folder, name)),
  );
  const titles = files.flatMap(
    (file) => readFileSync(file, 'utf8').match(/\b(?:it|test)\(\s*['"`]LAW [^:'"`]*/g) ?? [],
  );
  const proved = new Set(titles.flatMap((title) => [...title.matchAll(/LAW (\d+)/g)].map(([, law]) => law)));
  expect(laws).toHaveLength(13);
  expect(laws.filter((law) => !proved.has(law))).toEqual([]);
});
