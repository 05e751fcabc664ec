import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { until } from '../support/until.js';

const demo = fileURLToPath(new URL('../../examples/01-hello/dist/main.js', import.meta.url));

// Each test is a process, and other processes load the machine.
vi.setConfig({ testTimeout: 60_000 });

it('the demo tells the whole story and ends by itself with status 0', async () => {
  const child = spawn(process.execPath, [demo], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [status] = (await once(child, 'exit')) as [number];
  expect(status).toBe(0);
  const told = [
    'listens',
    'discovered',
    'accepted',
    'echoed the challenge',
    'pinged',
    'fetched',
    'stored',
    'signature verified',
  ];
  expect(told.filter((step) => !output.includes(step))).toEqual([]);
  expect(output.match(/got “/g)).toHaveLength(3);
});

it('the demo stays up with --keep, and ends with status 0 at SIGINT', async () => {
  const child = spawn(process.execPath, [demo, '--keep'], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = once(child, 'exit') as Promise<[number]>;
  const hub = await until(
    'it says how to go on',
    () => /curl (http:\S+) -d hub\.mode/.exec(output)?.[1],
    50_000,
  );
  expect((await fetch(new URL('readyz', hub))).status).toBe(200);
  child.kill('SIGINT');
  expect((await exit)[0]).toBe(0);
});
