import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('docs/CONFORMANCE.md is up to date, and every MUST has a test', async () => {
  const complaints = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      ['scripts/conformance.mjs', '--check'],
      { cwd: root },
      (_error, _stdout, stderr) => resolve(stderr),
    );
  });
  expect(complaints).toBe('');
});
