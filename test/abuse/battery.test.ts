import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { send, sendRaw, type RawAnswer } from '../support/http.js';
import type { HubProcess } from '../support/hub-process.js';
import { published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';
import { ADMIN_KEY, BATTERY, CLIENT, type Hostility } from './battery.js';

/** `npm run abuse` goes on for so many minutes, and prints what the others noticed. */
const MINUTES = Number(process.env['ABUSE_MINUTES'] ?? 0);
const ATTACKERS = 8;
const DRIPPING = 100;
const MOST_GROWTH_MIB = 100;

// As it runs in production, but that the publisher of the test may be on this machine.
const world = useWorld({
  dev: false,
  flags: ['--admin-key', ADMIN_KEY, '--allow-network', '127.0.0.0/8', '--trust-proxy', '127.0.0.0/8'],
});

let clients = 0;

async function attack(hub: HubProcess, { request }: Hostility): Promise<RawAnswer> {
  const n = clients++;
  const client = `198.51.${Math.floor(n / 256) % 256}.${n % 256}`;
  const bytes = Buffer.from(Buffer.from(request).toString('latin1').replace(CLIENT, client), 'latin1');
  return sendRaw(hub.url, bytes, { timeoutMs: 10_000 });
}

/** What is wrong with the answer; empty when all is well. */
function complaintsAbout({ expected }: Hostility, { status, text, closed }: RawAnswer): string[] {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const complaints: string[] = [];
  if (!expected.includes(status))
    complaints.push(`is answered ${status} instead of ${expected.join(' or ')}`);
  if (!closed) complaints.push('leaves the connection open');
  // One answer for one request: a second one would be somebody else's.
  if (text.match(/^HTTP\/1\.1 /gm)?.length !== 1) complaints.push('is not answered once');
  if (status >= 400) {
    // Every complaint of the hub names the cure after a colon.
    if (!/: \S/.test(body)) complaints.push(`is told no cure: ${body.slice(0, 100)}`);
    if (!/^content-type: (?:text\/plain|application\/problem\+json)/im.test(head))
      complaints.push('is answered in something else than text or problem details');
    if (!/^x-content-type-options: nosniff/im.test(head)) complaints.push('may be sniffed');
  }
  return complaints;
}

async function memoryOf({ pid }: HubProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

describe('the battery', () => {
  it(`of ${BATTERY.length} hostile requests is answered in full, with the cure, and never 5xx`, async () => {
    const failures: string[] = [];
    const left = [...BATTERY];
    const attacker = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const complaints = complaintsAbout(next, await attack(world.hub, next));
        failures.push(...complaints.map((complaint) => `${next?.name} ${complaint}`));
      }
    };
    await Promise.all(Array.from({ length: ATTACKERS }, attacker));
    expect(failures).toEqual([]);
    const { status } = await send(new URL('/readyz', world.hub.url).href);
    expect([status, world.hub.running]).toEqual([200, true]);
    expect(world.hub.output).not.toContain('"msg":"fault"');
  }, 60_000);
});

it.each(MINUTES > 0 ? [MINUTES] : [])(
  'the battery for %d minutes delays nobody by 2 s, loses nothing, and takes no memory',
  async () => {
    const { hub } = world;
    const topic = world.topic().url;
    const callback = await world.subscriber(topic);
    const endsAt = performance.now() + MINUTES * 60_000;
    const goesOn = (): boolean => performance.now() < endsAt;
    let requests = 0;
    const failures = new Set<string>();
    const attacker = async (_each: unknown, first: number): Promise<void> => {
      for (let nth = first; goesOn(); nth += ATTACKERS) {
        const hostility = BATTERY[nth % BATTERY.length]!;
        requests++;
        // The same pair of topic and callback is asked about once in ten seconds at most.
        const expected = [...hostility.expected, 429];
        for (const complaint of complaintsAbout({ ...hostility, expected }, await attack(hub, hostility)))
          failures.add(`${hostility.name} ${complaint}`);
      }
    };
    const dripping = async (): Promise<void> => {
      while (goesOn())
        await sendRaw(hub.url, 'POST / HTTP/1.1\r\nHost: hub\r\n', {
          drip: { piece: 'X: y\r\n', everyMs: 2_000 },
        });
    };
    const attacks = Promise.all([
      ...Array.from({ length: ATTACKERS }, attacker),
      ...Array.from({ length: DRIPPING }, dripping),
    ]);
    const tookMs: number[] = [];
    const sent: string[] = [];
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    /** MiB, every tenth of the time. */
    const memory: number[] = [];
    while (goesOn()) {
      const at = performance.now();
      const update = `update ${sent.length}`;
      await published(hub, topic, update, { headers });
      tookMs.push(performance.now() - at);
      sent.push(update);
      if (memory.length < 10 * (1 - (endsAt - at) / (MINUTES * 60_000))) memory.push(await memoryOf(hub));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await attacks;
    await until('all is delivered', () => callback.deliveries.length >= sent.length, 60_000);
    expect(callback.texts).toEqual(sent);
    // The first half fills caches.
    const grownMiB = (memory.at(-1) ?? NaN) - (memory[5] ?? NaN);
    const sorted = tookMs.toSorted((a, b) => a - b);
    const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? NaN;
    console.log(
      `${requests} hostile requests beside ${sent.length} updates: publish p99 ${p99.toFixed(0)} ms, at most ${sorted.at(-1)?.toFixed(0)} ms; memory ${memory.map((each) => each.toFixed(0)).join(', ')} MiB`,
    );
    expect([...failures]).toEqual([]);
    expect(sorted.at(-1)).toBeLessThan(2_000);
    expect(grownMiB).toBeLessThan(MOST_GROWTH_MIB);
  },
  (MINUTES + 3) * 60_000,
);
