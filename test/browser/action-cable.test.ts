import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { hasChromium, usePages, WITHOUT_CHROMIUM } from '../support/browser.js';
import { cableUrl } from '../support/cable-clients.js';
import { published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const world = useWorld();
const pages = usePages();
const RAILS_CLIENT = createRequire(import.meta.url).resolve('@rails/actioncable');

/** What happened to the page's subscription. */
interface Seen {
  readonly messages: readonly { readonly data: string }[];
  readonly connected: boolean;
}

/** Rails' client as a page of another origin has it, from a script. */
interface RailsPage {
  readonly ActionCable: {
    createConsumer(url: string): {
      readonly subscriptions: { create(identifier: object, mixin: object): unknown };
    };
  };
  seen: Seen;
}

describe.skipIf(!hasChromium)(
  `Rails' client in a browser${hasChromium ? '' : ` (${WITHOUT_CHROMIUM})`}`,
  () => {
    it('is given what is published, and what it missed while the hub was away', async () => {
      const topic = 'https://shop.example/browser/cable';
      const page = await pages.page();
      await page.addScriptTag({ path: RAILS_CLIENT });
      await page.evaluate(
        ([url, about]) => {
          const { ActionCable } = globalThis as unknown as RailsPage;
          const messages: { data: string }[] = [];
          const tell = (connected: boolean): void =>
            void Object.assign(globalThis, { seen: { messages, connected } });
          ActionCable.createConsumer(url!).subscriptions.create(
            { channel: 'TopicChannel', topic: about },
            {
              connected: () => tell(true),
              disconnected: () => tell(false),
              received: (message: { data: string }) => messages.push(message),
            },
          );
          tell(false);
        },
        [cableUrl(world.hub, `cable?client=${randomUUID()}`), topic],
      );
      const seen = (): Promise<Seen> => page.evaluate(() => (globalThis as unknown as RailsPage).seen);
      await until('it is connected', async () => (await seen()).connected);
      await published(world.hub, topic, 'before');
      await until('it has it', async () => (await seen()).messages.length === 1);
      await world.hub.terminate();
      await until('it has noticed', async () => !(await seen()).connected);
      await world.hub.restart();
      await published(world.hub, topic, 'meanwhile');
      // Whoever looks at the page again does not want to wait.
      await page.evaluate("dispatchEvent(new Event('visibilitychange'))");
      const texts = async (): Promise<string[]> => (await seen()).messages.map(({ data }) => data);
      await until('it has what it missed', async () => (await texts()).includes('meanwhile'), 30_000);
      expect(new Set(await texts())).toEqual(new Set(['before', 'meanwhile']));
    }, 60_000);
  },
);
