import { accessSync, constants } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';
import { chromium, type Browser, type Page } from 'playwright-core';
import { listen, type Listener } from './listener.js';

const CHROMIUM = '/usr/bin/chromium';

/** Whether there is a browser to test with; the checks install it, so that there nothing is left out. */
export const hasChromium = isExecutable(CHROMIUM);
export const WITHOUT_CHROMIUM = `there is no ${CHROMIUM}: apt-get install chromium`;

if (!hasChromium && process.env['CI'] === 'true') throw new Error(WITHOUT_CHROMIUM);

export interface Pages {
  /** A page of an origin that is not the hub's. */
  page(): Promise<Page>;
}

/** A headless Chromium and a server of empty pages, for the tests of a file. */
export function usePages(): Pages {
  let parts: { readonly browser: Browser; readonly server: Listener } | undefined;
  beforeAll(async () => {
    if (!hasChromium) return;
    const headers = { 'content-type': 'text/html' };
    const server = await listen(() => ({ status: 200, headers, body: '<!doctype html><title>page</title>' }));
    // A container's own walls are enough around pages of our own.
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    parts = { browser, server };
  });
  afterAll(async () => {
    await parts?.browser.close();
    await parts?.server.close();
  });
  return {
    page: async () => {
      if (parts === undefined) throw new Error('pages are there in tests only');
      const page = await parts.browser.newPage();
      await page.goto(parts.server.origin);
      return page;
    },
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
