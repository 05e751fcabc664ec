// Runs an example by its number: `npm run example -- 02`. Without one it lists them.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const examples = new URL('../examples/', import.meta.url);
const [wanted, ...args] = process.argv.slice(2);
const all = readdirSync(examples).filter((name) => /^\d\d-/.test(name));
const found = all.find((name) => wanted !== undefined && name.startsWith(wanted));
if (found === undefined) {
  console.log(`Give the number of an example, such as npm run example -- 02:\n  ${all.join('\n  ')}`);
  process.exit(wanted === undefined ? 0 : 2);
}
const { status } = spawnSync('npm', ['start', '--silent', '--', ...args], {
  cwd: new URL(`${found}/`, examples),
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exitCode = status ?? 1;
