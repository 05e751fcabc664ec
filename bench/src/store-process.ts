import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveCalls } from './process.js';
import { forEachOf } from './publisher.js';
import { subscriptionOf } from './seed.js';
import { openStore, type Position, type Store } from './store.js';
import { contentOf, secretOf, topicOf } from './update.js';

// The bare store: the hub's own, asked directly. It waits for the disk as the hub does, so it is the limit of publishing,
// of replay and of a start.

let folder = '';
let store: Store | undefined;

const READ = { entries: 64, bytes: 64 * 1024 };
const START = 0 as Position;

serveCalls({
  open: async ({ folder: given }: { readonly folder: string | undefined }) => {
    folder = given ?? mkdtempSync(join(tmpdir(), 'websub-bench-'));
    store = await openStore(folder);
  },
  /** Appends so many entries, as many at a time as there are publishers. */
  append: async (call: {
    readonly first: number;
    readonly updates: number;
    readonly topics: number;
    readonly bytes: number;
    readonly atOnce: number;
  }): Promise<number> => {
    const { log } = opened();
    const startedAt = performance.now();
    const updates = Array.from({ length: call.updates }, (_each, n) => call.first + n);
    await forEachOf(
      updates,
      async (update) => {
        const content = { body: contentOf(update, call.bytes), contentType: 'text/plain' };
        const topic = topicOf(update, call.topics);
        const id = String(update);
        await log.append([{ topic, id, idempotent: false, content, headers: {}, publishedAt: Date.now() }]);
      },
      call.atOnce,
    );
    return performance.now() - startedAt;
  },
  /** Stores each subscription twice, as asked for and as verified, as many at a time as there are subscribers. */
  subscribe: async (call: {
    readonly callbacks: readonly string[];
    readonly topics: readonly string[];
  }): Promise<void> => {
    const { registry } = opened();
    await forEachOf(call.callbacks.entries(), async ([n, callback]) => {
      const topic = call.topics[n % call.topics.length] ?? '';
      const subscription = subscriptionOf(topic, callback, secretOf(n));
      await registry.saveSubscription(subscription);
      await registry.saveSubscription({ ...subscription, version: subscription.version + 1 });
    });
  },
  /** Reads a topic from its beginning, as far as it goes; answers the number of entries and the milliseconds. */
  read: async ({ topic }: { readonly topic: string }): Promise<{ entries: number; ms: number }> => {
    const { log } = opened();
    const startedAt = performance.now();
    let entries = 0;
    let after = START;
    for (;;) {
      const found = await log.read([topic], after, READ);
      if (found.kind !== 'entries') return { entries, ms: performance.now() - startedAt };
      entries += found.entries.length;
      after = found.entries.at(-1)?.position ?? after;
    }
  },
  /** Reads all subscriptions and places; answers their number and the milliseconds. */
  load: async (): Promise<{ subscriptions: number; ms: number }> => {
    const { registry, places } = opened();
    const startedAt = performance.now();
    let subscriptions = 0;
    for await (const batch of registry.loadSubscriptions()) subscriptions += batch.length;
    for await (const batch of places.load()) void batch.length;
    return { subscriptions, ms: performance.now() - startedAt };
  },
  close: async ({ keep }: { readonly keep: boolean }) => {
    await store?.close();
    store = undefined;
    if (!keep) rmSync(folder, { recursive: true, force: true });
  },
});

function opened(): Store {
  if (store === undefined) throw new Error('the store is not open');
  return store;
}
