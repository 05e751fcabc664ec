// Writes docs/CONFORMANCE.md from docs/conformance.json (the rows) and from the titles of the tests: a test whose title
// begins with a row's number proves it. With --check it writes nothing and fails when the page is out of date, when a file
// that it names is gone, or when a MUST of a complete role has no test.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/CONFORMANCE.md');

// Publisher, subscriber and hub.
const COMPLETE = new Set(['P', 'S', 'H']);

/** @typedef {{ row: string, level: string, section: string, text: string, where: string[], note?: string }} Row */
/** @typedef {{ title: string, file: string }} Test */

/** @type {Row[]} */
const rows = JSON.parse(readFileSync(join(root, 'docs/conformance.json'), 'utf8'));
const tests = collectTests();
const text = render();

if (process.argv.includes('--check')) {
  const complaints = [...missingFiles(), ...unproven()];
  if (!existsSync(page) || readFileSync(page, 'utf8') !== text) {
    complaints.push('docs/CONFORMANCE.md is out of date: run npm run conformance');
  }
  for (const complaint of complaints) console.error(complaint);
  process.exit(complaints.length === 0 ? 0 : 1);
}
writeFileSync(page, text);

/** The tests of each row. @returns {Map<string, Test[]>} */
function collectTests() {
  const byRow = new Map(rows.map(({ row }) => [row, /** @type {Test[]} */ ([])]));
  for (const file of testFiles()) {
    let group = '';
    // A title is the first argument of a call: of `describe` at the start of a line, or of whatever takes a row's number.
    const titles =
      /^describe[\w.]*\(\s*(['"`])(.*?[^\\])\1\s*,|^( *).*?\(\s*(['"`])((?:[PSH]\d+[, ]+)+.*?[^\\])\4\s*,/gm;
    for (const found of readFileSync(join(root, file), 'utf8').matchAll(titles)) {
      const [, , described, indent, , title] = found;
      if (described !== undefined) group = described;
      else addTest(byRow, title ?? '', indent === '' ? '' : group, file);
    }
  }
  return byRow;
}

/** @param {Map<string, Test[]>} byRow @param {string} title @param {string} group @param {string} file */
function addTest(byRow, title, group, file) {
  const [numbers] = /^(?:[PSH]\d+[, ]+)+/.exec(title) ?? [''];
  const promise = `${group === '' ? '' : `${group} › `}${title.slice(numbers.length)}`.replaceAll("\\'", "'");
  for (const [row] of numbers.matchAll(/[PSH]\d+/g)) byRow.get(row)?.push({ title: promise, file });
}

/** Paths from the root, sorted. @returns {string[]} */
function testFiles() {
  const folders = ['test', ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/src`)];
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort((a, b) => (a < b ? -1 : 1));
}

function* missingFiles() {
  for (const { row, where } of rows) {
    for (const file of where)
      if (!existsSync(join(root, file))) yield `${row} is met in ${file}, which is not there`;
  }
}

function* unproven() {
  for (const { row, level, where, text: rule } of rows) {
    if (
      COMPLETE.has(row.charAt(0)) &&
      level.startsWith('MUST') &&
      where.length > 0 &&
      tests.get(row)?.length === 0
    ) {
      yield `${row} has no test whose title begins with ${row}: ${rule}`;
    }
  }
}

function render() {
  const sections = [
    ['P', 'Publisher'],
    ['S', 'Subscriber'],
    ['H', 'Hub'],
  ];
  const proven = rows.filter(({ row }) => (tests.get(row)?.length ?? 0) > 0).length;
  return [
    '# Conformance',
    '',
    'Every rule of the [W3C Recommendation WebSub](https://www.w3.org/TR/websub/) for publishers, subscribers and hubs: where it is',
    'met, and the test that proves it. Written by `npm run conformance` from `docs/conformance.json` and the titles of the tests.',
    '',
    `Rows: ${rows.length}; with a test: ${proven}.`,
    ...sections.flatMap(([letter, name]) => ['', `## ${name}`, '', ...table(letter)]),
    '',
  ].join('\n');
}

/** @param {string} letter */
function table(letter) {
  return [
    '| row | level | section | rule | met in | test |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows
      .filter(({ row }) => row.startsWith(letter))
      .map(
        (row) =>
          `| ${[row.row, row.level, row.section, row.text, metIn(row), testOf(row)].map(cell).join(' | ')} |`,
      ),
  ];
}

/** @param {Row} row */
function metIn({ where, note }) {
  const files = where.map((file) => `[${file.replace(/^packages\/|src\//g, '')}](../${file})`).join(', ');
  return [files, note].filter(Boolean).join('; ');
}

/** The first proof in words, the others as a number. @param {Row} row */
function testOf({ row }) {
  const [first, ...others] = tests.get(row) ?? [];
  if (first === undefined) return '';
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `${first.title} ([${first.file.split('/').at(-1)}](../${first.file}))${more}`;
}

/** @param {string} content */
function cell(content) {
  return content.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
