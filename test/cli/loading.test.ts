import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { runHub } from '../support/hub-process.js';
import { websub } from '../support/websub-process.js';

const commands = { 'websub-hub': runHub, websub };

/** The modules that a command loads, as V8 tells them. */
async function loadedBy(command: keyof typeof commands, args: readonly string[]): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'websub-loading-'));
  try {
    await commands[command](args, { env: { NODE_V8_COVERAGE: folder } });
    const [report = ''] = await readdir(folder);
    const { result } = JSON.parse(await readFile(join(folder, report), 'utf8')) as {
      readonly result: readonly { readonly url: string }[];
    };
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

// A start of Node with V8's report, and other processes load the machine.
vi.setConfig({ testTimeout: 30_000 });

const hub = /express|undici|sqlite|zod|pino/;
const subscriber = /undici|listener\.js|discover\.js/;

it.each([
  ['websub-hub', '--version', hub],
  ['websub-hub', 'start --help', hub],
  ['websub-hub', 'start --nonsense', hub],
  ['websub-hub', 'start --port 65536', /express|sqlite|pino/],
  ['websub-hub', 'check --data /nonexistent', /express|zod|pino/],
  ['websub', '--version', subscriber],
  ['websub', 'listen --help', subscriber],
  ['websub', 'verify-signature --signature sha256=00 --secret s', subscriber],
] as const)('%s %s loads what it needs, and nothing of %s', async (command, args, others) => {
  const loaded = await loadedBy(command, args.split(' '));
  expect(loaded.filter((url) => url.includes('/commander/'))).not.toEqual([]);
  expect(loaded.filter((url) => others.test(url))).toEqual([]);
});
