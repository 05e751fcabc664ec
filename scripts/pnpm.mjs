// Runs the pinned pnpm, so that nothing has to be installed by hand: `node scripts/pnpm.mjs install`.
// Takes the pnpm that is running this script, else fetches the one of the packageManager field with npx.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const root = new URL('../', import.meta.url);
const { packageManager } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const pinned = packageManager.split('+')[0];
const args = process.argv.slice(2);

// Both must say pnpm: npm below pnpm replaces npm_execpath but leaves the user agent, and npm would then be
// called with pnpm's arguments.
const execPath = process.env.npm_execpath ?? '';
const underPnpm =
  (process.env.npm_config_user_agent ?? '').startsWith('pnpm/') && /^pnpm\.[cm]?js$/.test(basename(execPath));

const [command, commandArgs] = underPnpm
  ? [process.execPath, [execPath, ...args]]
  : ['npx', ['-y', pinned, ...args]];
const windows = process.platform === 'win32';
const { status, signal, error } = spawnSync(command, commandArgs, {
  stdio: 'inherit',
  shell: windows && !underPnpm,
});
if (error) {
  console.error(
    `Cannot run ${command}: ${error.message}. Install npm, which comes with Node.js, and try again.`,
  );
}
if (signal) process.kill(process.pid, signal);
process.exitCode = status ?? 1;
