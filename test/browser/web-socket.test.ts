import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ADMIN_KEY } from '../support/access.js';
import { hasChromium, usePages, WITHOUT_CHROMIUM } from '../support/browser.js';
import { published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useEmbeddedWorld, useWorld } from '../support/world.js';
import { wsAddress, type Word } from '../support/ws-clients.js';

// With an admin key it takes no credential for one of elsewhere.
const world = useWorld({ flags: ['--admin-key', ADMIN_KEY] });
const strict = useEmbeddedWorld({ dev: false, flags: ['--cors-origins', 'https://page.example'] });
const pages = usePages();

/** What happened to the page's `WebSocket`, in order. */
interface Seen {
  readonly words: readonly Word[];
  /** Codes of close frames. */
  readonly codes: readonly number[];
}

/** Reads a topic in a page of another origin; comes back after each close, from the last cursor. */
async function read(
  address: string,
  subprotocols: readonly string[],
  topic: string,
): Promise<{ readonly page: Page; readonly seen: () => Promise<Seen> }> {
  const page = await pages.page();
  await page.evaluate(
    ([url, protocols, topics]) => {
      const words: Word[] = [];
      const codes: number[] = [];
      let from: unknown = 'earliest';
      const connect = (): void => {
        const socket = new WebSocket(url, [...protocols]);
        socket.onopen = () => socket.send(JSON.stringify({ op: 'sub', sid: 's', topics, from }));
        socket.onmessage = ({ data }) => {
          const word = JSON.parse(String(data)) as Word;
          words.push(word);
          if (word.op === 'ev') from = word['cursor'];
        };
        socket.onclose = ({ code }) => {
          codes.push(code);
          if (code < 4400) setTimeout(connect, 100);
        };
      };
      connect();
      Object.assign(globalThis, { seen: () => ({ words, codes }) });
    },
    [address, subprotocols, [topic]] as const,
  );
  const seen = (): Promise<Seen> =>
    page.evaluate(() => (globalThis as unknown as { seen: () => Seen }).seen());
  return { page, seen };
}

const entries = ({ words }: Seen): unknown[] => words.filter(({ op }) => op === 'ev').map(({ data }) => data);

describe.skipIf(!hasChromium)(
  `the WebSocket of a browser${hasChromium ? '' : ` (${WITHOUT_CHROMIUM})`}`,
  () => {
    it('is given what is published, large updates too, and goes on from its cursor when the hub was killed', async () => {
      const topic = 'https://shop.example/browser/ws';
      const large = 'é'.repeat(300_000);
      await published(world.hub, topic, 'one');
      const { seen } = await read(wsAddress(world.hub), ['hub.v1.json'], topic);
      await published(world.hub, topic, large);
      await until('the page has both', async () => entries(await seen()).length === 2);
      await world.hub.kill();
      await world.hub.restart();
      await published(world.hub, topic, 'three');
      await until('the page has the third', async () => entries(await seen()).length === 3, 30_000);
      expect(entries(await seen())).toEqual(['one', large, 'three']);
      expect((await seen()).words.filter(({ op }) => op === 'gap' || op === 'err')).toEqual([]);
    }, 60_000);

    it('sees by the code of the close frame that its credential is not good', async () => {
      const wrong = `hub.bearer.${Buffer.from('reader.wrong').toString('base64url')}`;
      const { seen } = await read(wsAddress(world.hub), ['hub.v1.json', wrong], 'https://shop.example/x');
      await until('it is closed', async () => (await seen()).codes.length > 0);
      const { codes, words } = await seen();
      expect([codes, words.map(({ op }) => op)]).toEqual([[4401], ['bye']]);
    });

    it('of a page of an origin that is not let in is not opened', async () => {
      const { seen } = await read(wsAddress(strict.hub), ['hub.v1.json'], 'https://shop.example/x');
      await until('it is refused', async () => (await seen()).codes.length > 0);
      // The page tries again and again.
      const { codes, words } = await seen();
      expect([new Set(codes), words]).toEqual([new Set([1006]), []]);
    });
  },
);
