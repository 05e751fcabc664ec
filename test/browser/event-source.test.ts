import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasChromium, usePages, WITHOUT_CHROMIUM } from '../support/browser.js';
import { manage } from '../support/manage.js';
import { published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const pages = usePages();

/** What happened to the page's `EventSource`, in order. */
interface Seen {
  readonly messages: readonly string[];
  readonly named: readonly string[];
  readonly state: number;
}

function addressOf(query: string): string {
  return new URL(`/v1/sse?${query}`, world.hub.url).href;
}

/** Opens an `EventSource` in a page of another origin. */
async function openSource(url: string): Promise<{ readonly page: Page; readonly seen: () => Promise<Seen> }> {
  const page = await pages.page();
  await page.evaluate((address) => {
    const source = new EventSource(address);
    const messages: string[] = [];
    const named: string[] = [];
    source.addEventListener('message', (event) => messages.push(String(event.data)));
    for (const name of ['gap', 'live', 'bye', 'busy']) source.addEventListener(name, () => named.push(name));
    Object.assign(globalThis, { seen: () => ({ messages, named, state: source.readyState }) });
  }, url);
  const seen = (): Promise<Seen> =>
    page.evaluate(() => (globalThis as unknown as { seen: () => Seen }).seen());
  await until('the source is open', async () => (await seen()).state === 1);
  return { page, seen };
}

describe.skipIf(!hasChromium)(
  `the EventSource of a browser${hasChromium ? '' : ` (${WITHOUT_CHROMIUM})`}`,
  () => {
    it('is given what is published, and resumes by itself when the hub was killed', async () => {
      const topic = 'https://shop.example/browser/orders';
      const { seen } = await openSource(addressOf(`topic=${topic}`));
      const expected: string[] = [];
      for (let round = 0; round < 2; round++) {
        for (let nth = 0; nth < 5; nth++) {
          const text = `${round}.${nth}`;
          expected.push(text);
          await published(world.hub, topic, text);
        }
        await until(
          'the page has everything',
          async () => (await seen()).messages.length === expected.length,
        );
        await world.hub.kill();
        await world.hub.restart();
        // Published while the page is away.
        expected.push(`away ${round}`);
        await published(world.hub, topic, `away ${round}`);
      }
      await until(
        'the page has everything',
        async () => (await seen()).messages.length >= expected.length,
        30_000,
      );
      const { named, ...last } = await seen();
      expect(last).toEqual({ messages: expected, state: 1 });
      // Whoever comes back while the hub starts is told to come again.
      expect(named.filter((name) => name !== 'busy')).toEqual([]);
    }, 60_000);

    it('S000: reads what walt.id services serve, and nothing of the hub besides, through a kill', async () => {
      const update = async (nth: number): Promise<boolean> => {
        const body = { target: 'page', event: 'STATUS_CHANGED', session: { nth } };
        const path = `/targets/page/updates?hub.id=update-${nth}`;
        return manage(world.hub, 'POST', path, body).then(
          ({ status }) => status === 202,
          () => false,
        );
      };
      for (let nth = 1; nth <= 12; nth++) expect(await update(nth)).toBe(true);
      const { seen } = await openSource(new URL('/verification-session/page/events', world.hub.url).href);
      await until('the page has the last ten', async () => (await seen()).messages.length >= 11);
      await world.hub.kill();
      await world.hub.restart();
      for (let nth = 13; nth <= 15; nth++) await until('it is accepted', () => update(nth));
      const updatesOf = ({ messages }: Seen): unknown[] =>
        messages
          .filter((message) => message !== '{}')
          .map((message) => (JSON.parse(message) as { session: { nth: number } }).session.nth);
      await until('the page has everything', async () => updatesOf(await seen()).length >= 13, 30_000);
      const { messages, named, state } = await seen();
      expect([messages[0], named, state]).toEqual(['{}', [], 1]);
      expect(updatesOf(await seen())).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    }, 60_000);

    it('sees the events of the hub by their names, and not as messages', async () => {
      const topic = 'https://shop.example/browser/gap';
      await published(world.hub, topic, 'one');
      const { seen } = await openSource(addressOf(`topic=${topic}&since=no-such-entry&control=live`));
      await until('the page is live', async () => (await seen()).named.includes('live'));
      expect(await seen()).toMatchObject({ messages: ['one'], named: ['gap', 'live'] });
    });
  },
);
