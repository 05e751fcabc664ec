import type { HubProcess } from './hub-process.js';
import { forEachOf, Publisher } from './publisher.js';
import { secretOf } from './update.js';

const LOOK_EVERY_MS = 50;

/** Subscribes callback n, from `first` on, to the topic n modulo their number. Settles when every callback has confirmed. */
export async function subscribeAll(
  hub: HubProcess,
  callbacks: readonly string[],
  topics: readonly string[],
  first = 0,
): Promise<void> {
  const publisher = new Publisher(hub.url);
  const before = await activated(publisher);
  await forEachOf(callbacks.slice(first).entries(), ([nth, callback]) => {
    const n = first + nth;
    return publisher.subscribe(topics[n % topics.length] ?? '', callback, secretOf(n));
  });
  // Ends when the hub keeps its promise; the bench is stopped by hand when it does not.
  while ((await activated(publisher)) - before < callbacks.length - first)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  await publisher.stop();
}

async function activated(publisher: Publisher): Promise<number> {
  const metrics = await publisher.get('/metrics');
  return Number(/\{[^}]*event="activated"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0);
}
