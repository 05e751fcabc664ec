import { createHub, type Hub, type HubOptions } from '@websub/hub';
import { TestClock, type HttpClient, type HttpRequest, type HttpResponse } from '@websub/shared';
import { afterEach, describe, expect, it } from 'vitest';
import { send } from '../support/http.js';
import { listAll, metric, postForm, published, publish } from '../support/requests.js';
import { until } from '../support/until.js';

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** Confirms whatever it is asked, and answers no delivery until it is told to. */
class StuckCallbacks implements HttpClient {
  readonly deliveries: (() => void)[] = [];

  send({ method, url }: HttpRequest): Promise<HttpResponse> {
    const answer = { kind: 'response', status: 200, headers: {} } as const;
    if (method === 'GET') {
      const body = Buffer.from(new URL(url).searchParams.get('hub.challenge') ?? '');
      return Promise.resolve({ ...answer, body });
    }
    return new Promise((resolve) =>
      this.deliveries.push(() => resolve({ ...answer, body: new Uint8Array() })),
    );
  }

  release(): void {
    for (const answer of this.deliveries) answer();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function start(
  options: HubOptions = {},
  http?: HttpClient,
): Promise<{ hub: Hub; clock: TestClock; returned: number[] }> {
  const clock = new TestClock(Date.now());
  const hub = await createHub({
    dev: true,
    port: 0,
    data: ':memory:',
    ...options,
    ports: { clock, ...(http && { http }) },
  });
  ending.push(() => hub.stop());
  if (http instanceof StuckCallbacks) ending.push(() => Promise.resolve(http.release()));
  const returned: number[] = [];
  hub.events.on('canary-returned', ({ latencyMs }) => returned.push(latencyMs));
  return { hub, clock, returned };
}

function readiness(hub: Hub) {
  return send(new URL('/readyz', hub.url).href);
}

describe('the canary', () => {
  it('has come round once when the hub is ready, and its latency is a metric', async () => {
    const { hub } = await start();
    expect(await metric(hub, 'websub_canary_latency_seconds_count')).toBe(1);
    expect(await metric(hub, 'websub_canary_late')).toBe(0);
  });

  it('comes round every so many seconds', async () => {
    const { clock, returned } = await start({ canarySeconds: 3 });
    for (let nth = 1; nth <= 5; nth++) {
      await clock.advance(3_000);
      await until('it has come round', () => returned.length === nth);
    }
  });

  it('is off with 0, and then readiness does not ask for it', async () => {
    const { hub, clock, returned } = await start({ canarySeconds: 0 });
    await clock.advance(600_000);
    expect((await readiness(hub)).status).toBe(200);
    expect(returned).toEqual([]);
    expect(await metric(hub, 'websub_canary_latency_seconds_count')).toBe(0);
  });

  it('LAW 7 comes round while callbacks that hang hold every slot, and the hub stays ready', async () => {
    const stuck = new StuckCallbacks();
    const { hub, clock, returned } = await start({ maxInFlight: 1, canarySeconds: 10 }, stuck);
    const fields = { 'hub.topic': 'http://127.0.0.1:9/topic', 'hub.callback': 'http://127.0.0.1:9/callback' };
    const active = new Promise((resolve) => hub.events.once('subscription-activated', resolve));
    await postForm(hub, { ...fields, 'hub.mode': 'subscribe' });
    await active;
    await published(hub, fields['hub.topic'], 'x');
    await until('the only slot is taken', () => stuck.deliveries.length === 1);
    for (let nth = 1; nth <= 10; nth++) {
      await clock.advance(10_000);
      await until('it has come round', () => returned.length === nth);
    }
    expect((await readiness(hub)).text).toBe('ready\n');
  });

  it('cannot be subscribed to or published to', async () => {
    const { hub } = await start();
    const topic = 'urn:websub:canary';
    const fields = { 'hub.topic': topic, 'hub.callback': 'http://127.0.0.1:9/c' };
    expect((await postForm(hub, { ...fields, 'hub.mode': 'subscribe' })).status).toBe(400);
    expect((await postForm(hub, { 'hub.mode': 'publish', 'hub.url': topic })).status).toBe(400);
    expect((await publish(hub, topic, 'x')).status).toBe(400);
  });

  it('is seen in no list and no count, and leaves nothing in the log', async () => {
    const { hub, clock, returned } = await start({ canarySeconds: 1 });
    const told: string[] = [];
    for (const name of ['entry-appended', 'entry-delivered', 'delivery-failed'] as const)
      hub.events.on(name, () => told.push(name));
    for (let nth = 1; nth <= 100; nth++) {
      await clock.advance(1_000);
      await until('it has come round', () => returned.length === nth);
    }
    for (const list of ['topics', 'subscriptions', 'dead-letters'])
      expect(await listAll(hub, `/v1/${list}`)).toEqual([]);
    for (const name of [
      'log_entries',
      'log_bytes',
      'topics',
      'subscriptions',
      'entries_total',
      'recipients_behind',
    ])
      expect(await metric(hub, `websub_${name}`)).toBe(0);
    expect(told).toEqual([]);
  });
});
