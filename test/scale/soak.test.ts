import { readdir, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { HubProcess } from '../support/hub-process.js';
import { ping, publish, subscribed } from '../support/requests.js';
import { until } from '../support/until.js';
import { useSurroundings } from '../support/world.js';

/** How long; `npm run soak` takes an hour, `SOAK_MINUTES=1440` a day. */
const SOAK_MS = Number(process.env['SOAK_MINUTES'] ?? 0.05) * 60_000;
/** In the first half: the second is one life, in which memory shows. */
const KILL_EVERY_MS = 10 * 60_000;
const MOST_MIB = 512;
/** From the third quarter to the last, when caches are full; in less than half an hour they are not. */
const MOST_RISE_MIB = SOAK_MS < 30 * 60_000 ? Infinity : 32;
const LOOK_EVERY_MS = Math.max(SOAK_MS / 60, 1_000);
const TOPICS = 10;
const PER_TOPIC = 5;
const PAUSE_MS = 40;
const MiB = 1024;

const world = useSurroundings();

interface Look {
  /** Resident memory, MiB. */
  readonly rss: number;
  readonly descriptors: number;
}

it.runIf(process.platform === 'linux')(
  `a hub under load for ${SOAK_MS / 60_000} minutes stays below ${MOST_MIB} MiB, keeps no descriptors and loses nothing`,
  async () => {
    const hub = await world.startHub({
      flags: ['--retry-delays', Array.from({ length: 50 }, () => '0.2').join(',')],
    });
    const feeds = await Promise.all(
      Array.from({ length: TOPICS }, async (_each, index) => {
        const topic = world.topic();
        const callbacks = Array.from({ length: PER_TOPIC }, () => world.callback());
        let answers = 0;
        for (const callback of callbacks) {
          callback.onDelivery = () => {
            // What was received long ago would be memory of this process.
            if (callback.deliveries.length > 100) callback.deliveries.splice(0, 50);
            return { status: answers++ % 50 === 0 ? 500 : 204 };
          };
          await subscribed(hub, callback, topic.url);
        }
        return { topic, callbacks, pinged: index % 2 === 0 };
      }),
    );
    const idle = await look(hub);
    const looks: Look[] = [];
    const startedAt = performance.now();
    let killedAt = startedAt;
    let lookedAt = 0;
    let last = '';
    for (let n = 0; performance.now() - startedAt < SOAK_MS; n++) {
      last = `update ${n} ${'.'.repeat(n % 2_000)}`;
      await Promise.all(
        feeds.map(async ({ topic, pinged }) => {
          topic.body = last;
          const answer = await (pinged ? ping(hub, topic.url) : publish(hub, topic.url, last));
          expect(answer.status).toBe(202);
        }),
      );
      if (performance.now() - lookedAt > LOOK_EVERY_MS) {
        looks.push(await look(hub));
        lookedAt = performance.now();
      }
      if (performance.now() - killedAt > KILL_EVERY_MS && performance.now() - startedAt < SOAK_MS / 2) {
        await hub.kill();
        await hub.restart();
        killedAt = performance.now();
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    for (const { callbacks } of feeds) {
      for (const { deliveries } of callbacks)
        await until('everybody has the last', () => deliveries.some(({ text }) => text === last), 60_000);
    }
    await until(
      'the connections of the load are gone',
      async () => (await look(hub)).descriptors <= idle.descriptors + 50,
      60_000,
    );
    const most = Math.max(...looks.map(({ rss }) => rss));
    const quarter = (nth: number): readonly Look[] =>
      looks.slice(Math.floor((looks.length * nth) / 4), Math.ceil((looks.length * (nth + 1)) / 4));
    const rise = medianRss(quarter(3)) - medianRss(quarter(2));
    console.log(
      `${((performance.now() - startedAt) / 60_000).toFixed(1)} minutes: RSS at most ${most.toFixed(0)} MiB, ` +
        `${rise.toFixed(1)} MiB more in the last quarter than before; ` +
        `descriptors ${idle.descriptors} idle, ${Math.max(...looks.map(({ descriptors }) => descriptors))} at most`,
    );
    expect(most).toBeLessThan(MOST_MIB);
    expect(rise).toBeLessThan(MOST_RISE_MIB);
  },
  3 * 60_000 + SOAK_MS,
);

async function look({ pid }: HubProcess): Promise<Look> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const descriptors = await readdir(`/proc/${pid}/fd`);
  return {
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / MiB,
    descriptors: descriptors.length,
  };
}

/** Not the mean: a hub that waits for the processor holds more for a while. */
function medianRss(looks: readonly Look[]): number {
  return looks.map(({ rss }) => rss).toSorted((a, b) => a - b)[Math.floor(looks.length / 2)]!;
}
