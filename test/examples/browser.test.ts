import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hasChromium, usePages, WITHOUT_CHROMIUM } from '../support/browser.js';
import { until } from '../support/until.js';

const pages = usePages();

describe.skipIf(!hasChromium)(`06 in a browser${hasChromium ? '' : ` (${WITHOUT_CHROMIUM})`}`, () => {
  it('shows a topic live, and nothing is missing or there twice when the hub was away', async () => {
    const main = fileURLToPath(new URL('../../examples/06-browser/dist/main.js', import.meta.url));
    const example = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void example.kill('SIGKILL'));
    let output = '';
    example.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const address = await until(
      'it tells its address',
      () => /open (\S+) in a browser/.exec(output)?.[1],
      50_000,
    );
    const page = await pages.page();
    await page.goto(address);
    const counts = (selector: string): Promise<number[]> =>
      page
        .locator(selector)
        .allTextContents()
        .then((texts) => texts.map(Number));
    await until('both lists have updates', async () => (await counts('b')).every((count) => count > 5));
    const before = Math.max(...(await counts('b')));
    await page.getByRole('button').click();
    await until('both were away', async () => (await page.locator('small.away').count()) === 2);
    await until(
      'both lists go on',
      async () => (await counts('b')).every((count) => count > before + 3),
      30_000,
    );
    expect(await counts('i')).toEqual([0, 0]);
    const [first, second] = await page.locator('ol').allTextContents();
    expect(first?.slice(0, 5)).toBe(second?.slice(0, 5));
    example.kill('SIGINT');
    expect(await once(example, 'close')).toEqual([0, null]);
  }, 90_000);
});
