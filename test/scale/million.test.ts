import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';
import { published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

/** In the store when the hub starts; `npm run scale` takes a million. */
const SUBSCRIPTIONS = Number(process.env['SUBSCRIPTIONS'] ?? 5_000);
const PER_TOPIC = 10;
const SAVED_AT_ONCE = 10_000;
const PUBLICATIONS = 200;
/** How long a million take is told, and not tested: others may want the processor. */
const START_TIMEOUT_MS = 60_000;
const MiB = 1024;
const DAYS_MS = 86_400_000;

const world = useSurroundings();

type Registry = Awaited<ReturnType<typeof openSqliteStore>>['registry'];
type Subscription = Parameters<Registry['saveSubscription']>[0];

it(
  `a hub starts with ${SUBSCRIPTIONS.toLocaleString('en')} subscriptions and serves those of one topic`,
  async () => {
    const data = await mkdtemp(join(tmpdir(), 'websub-scale-'));
    onTestFinished(() => rm(data, { recursive: true, force: true }));
    const topic = world.topic().url;
    const callbacks = Array.from({ length: PER_TOPIC }, () => world.callback());
    const loadedMs = await timed(() =>
      load(data, [
        ...callbacks.map(({ url }) => subscriptionOf(topic, url)),
        // On many hosts, as they are.
        ...Array.from({ length: SUBSCRIPTIONS - PER_TOPIC }, (_each, n) =>
          subscriptionOf(
            `https://publisher.example/topics/${Math.floor(n / PER_TOPIC)}`,
            `https://host-${n % 2_000}.subscriber-${n % 977}.example/callbacks/${n}`,
          ),
        ),
      ]),
    );
    const startingAt = performance.now();
    const hub = await world.startHub({ data, startTimeoutMs: START_TIMEOUT_MS });
    const readyMs = performance.now() - startingAt;
    const acknowledgedMs: number[] = [];
    for (let n = 0; n < PUBLICATIONS; n++)
      acknowledgedMs.push(await timed(() => published(hub, topic, `update ${n}`)));
    await until('all is delivered', () =>
      callbacks.every(({ texts }) => texts.at(-1) === `update ${PUBLICATIONS - 1}`),
    );
    for (const { deliveries } of callbacks) expect(deliveries).toHaveLength(PUBLICATIONS);
    const status = await readFile(`/proc/${hub.pid}/status`, 'utf8').catch(() => '');
    const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN) / MiB;
    const sorted = acknowledgedMs.toSorted((a, b) => a - b);
    console.log(
      `${SUBSCRIPTIONS} subscriptions: stored in ${seconds(loadedMs)} s, ready after ${seconds(readyMs)} s, RSS ${rss.toFixed(0)} MiB, ` +
        `publish acknowledged in p50 ${quantile(sorted, 0.5)} ms, p99 ${quantile(sorted, 0.99)} ms`,
    );
    expect(await hub.terminate()).toBe(0);
  },
  60_000 + SUBSCRIPTIONS * 0.5,
);

async function load(folder: string, subscriptions: readonly Subscription[]): Promise<void> {
  const store = await openSqliteStore({ folder });
  for (let start = 0; start < subscriptions.length; start += SAVED_AT_ONCE) {
    const batch = subscriptions.slice(start, start + SAVED_AT_ONCE);
    await Promise.all(batch.map((subscription) => store.registry.saveSubscription(subscription)));
  }
  await store.close();
}

function subscriptionOf(topic: string, callback: string): Subscription {
  const id = randomBytes(16).toString('base64url');
  const lease = { secret: null, seconds: 864_000, endsAt: Date.now() + 10 * DAYS_MS, since: START };
  return { id, topic, callback, version: 1, lease, pending: null };
}

const START = 0 as NonNullable<Subscription['lease']>['since'];

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await action();
  return performance.now() - startedAt;
}

function quantile(sorted: readonly number[], part: number): string {
  return (sorted[Math.floor((sorted.length - 1) * part)] ?? NaN).toFixed(1);
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
