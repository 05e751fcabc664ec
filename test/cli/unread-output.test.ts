import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { withoutHubSettings } from '../support/hub-process.js';
import { useWorld } from '../support/world.js';

const BINARIES = {
  websub: fileURLToPath(new URL('../../packages/subscriber/bin/websub.js', import.meta.url)),
  'websub-hub': fileURLToPath(new URL('../../packages/hub/bin/websub-hub.js', import.meta.url)),
};
const world = useWorld();

// Each test is a process, and other processes load the machine.
vi.setConfig({ testTimeout: 30_000 });

it.each([
  ['websub', 'listen --help'],
  ['websub-hub', 'start --help'],
  ['websub-hub', 'check'],
] as const)('%s %s ends well where nobody reads what it says, as before | head', async (name, args) => {
  const child = spawn(process.execPath, [BINARIES[name], ...args.split(' ')], {
    env: { ...withoutHubSettings(process.env), WEBSUB_DATA: world.hub.data },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Before it has begun, so that its first write fails.
  child.stdout.destroy();
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  expect({ status: status as unknown, stderr }).toEqual({ status: 0, stderr: '' });
});
