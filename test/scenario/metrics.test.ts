import { readFile } from 'node:fs/promises';
import { createHub, type Hub } from '@websub/hub';
import { systemResolver, type Resolver } from '@websub/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCallbacks, type CallbackServer } from '../support/callbacks.js';
import { send } from '../support/http.js';
import { published, subscribe, subscribed } from '../support/requests.js';
import { CERTIFICATE, PRIVATE_KEY } from '../support/tls.js';
import { until } from '../support/until.js';

const TOPIC = 'http://127.0.0.1:9/a-t0pic-that-a-stranger-chose';
// Answers for one name that is nobody's, without asking any server.
const resolver: Resolver = {
  resolve: (hostname) =>
    hostname === 'nowhere.example'
      ? Promise.reject(new Error('ENOTFOUND'))
      : systemResolver.resolve(hostname),
};

let hub: Hub;
let callbacks: CallbackServer;
beforeAll(async () => {
  hub = await createHub({ dev: true, port: 0, data: ':memory:', retryDelays: [3_600], ports: { resolver } });
  callbacks = await startCallbacks();
});
afterAll(async () => {
  await hub.stop();
  await callbacks.close();
});

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

async function metricsText(): Promise<string> {
  return (await send(new URL('/metrics', hub.url).href)).text;
}

async function samples(): Promise<Sample[]> {
  const lines = (await metricsText()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name = '', , labels = '', value = ''] = /^([\w:]+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === '') throw new Error(`not a sample: ${line}`);
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text]);
    return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
  });
}

async function valueOf(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const found = (await samples()).filter(
    (one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text),
  );
  return found.reduce((sum, { value }) => sum + value, 0);
}

describe('the metrics', () => {
  it.each([
    ['2xx', 204],
    ['3xx', 302],
    ['4xx', 404],
    ['4xx', 410],
    ['5xx', 503],
  ])('count a delivery as %s that is answered %i', async (outcome, status) => {
    const callback = callbacks.callback();
    callback.onDelivery = () => ({ status });
    const topic = `${TOPIC}-${status}`;
    await subscribed(hub, callback, topic);
    const before = await valueOf('websub_delivery_attempts_total', { outcome });
    await published(hub, topic, 'x');
    await until(
      'it is counted',
      async () => (await valueOf('websub_delivery_attempts_total', { outcome })) === before + 1,
    );
  });

  it.each([
    ['refused', () => startCallbacks()],
    ['tls', () => startCallbacks({ tls: { key: PRIVATE_KEY, cert: CERTIFICATE } })],
  ])('count a verification as %s that cannot connect for that reason', async (outcome, start) => {
    const server = await start();
    const callback = server.callback();
    if (outcome === 'refused') await server.close();
    await subscribe(hub, callback.url, TOPIC);
    await until('it is counted', () =>
      valueOf('websub_verification_attempts_total', { outcome, mode: 'subscribe' }),
    );
    await server.close();
  });

  it.each([
    ['dns', 'http://nowhere.example/', undefined],
    ['confirmed', undefined, undefined],
    ['mismatch', undefined, { status: 200, body: 'something else' }],
    ['4xx', undefined, { status: 404 }],
  ])('count a verification as %s', async (outcome, url, reply) => {
    const callback = callbacks.callback();
    if (reply !== undefined) callback.onIntent = () => reply;
    await subscribe(hub, url ?? callback.url, TOPIC);
    await until('it is counted', () =>
      valueOf('websub_verification_attempts_total', { outcome, mode: 'subscribe' }),
    );
  });

  it('time deliveries from the publication on, attempts, and commits of the store', async () => {
    const callback = callbacks.callback();
    const topic = `${TOPIC}-timed`;
    await subscribed(hub, callback, topic);
    const before = await valueOf('websub_delivery_latency_seconds_count');
    await published(hub, topic, 'x');
    await until(
      'it is timed',
      async () => (await valueOf('websub_delivery_latency_seconds_count')) === before + 1,
    );
    expect(await valueOf('websub_delivery_latency_seconds_sum')).toBeGreaterThan(0);
    expect(await valueOf('websub_delivery_attempt_seconds_count')).toBeGreaterThan(0);
    expect(await valueOf('websub_store_commit_seconds_count')).toBeGreaterThan(0);
  });

  it('tell how many are behind, how old what they are owed is, and what the log keeps', async () => {
    const callback = callbacks.callback();
    callback.onDelivery = () => ({ status: 500 });
    const topic = `${TOPIC}-behind`;
    await subscribed(hub, callback, topic);
    const [entries, bytes] = [await valueOf('websub_log_entries'), await valueOf('websub_log_bytes')];
    await published(hub, topic, 'ten bytes.');
    await until('it is behind', async () => (await valueOf('websub_recipients_behind')) > 0);
    await until('it grows older', async () => (await valueOf('websub_oldest_undelivered_seconds')) > 0);
    expect(await valueOf('websub_log_entries')).toBe(entries + 1);
    expect(await valueOf('websub_log_bytes')).toBe(bytes + 10);
  });

  it('tell what runs, and how late the event loop is', async () => {
    const found = await samples();
    expect(found.find(({ name }) => name === 'websub_build_info')).toMatchObject({
      labels: { version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string, node: process.version },
      value: 1,
    });
    expect(found.find(({ name }) => name === 'nodejs_eventloop_lag_p99_seconds')?.value).toBeGreaterThan(0);
  });

  it('are those that docs/observing.md describes', async () => {
    const manual = await readFile(new URL('../../docs/observing.md', import.meta.url), 'utf8');
    const described = [...manual.matchAll(/^\| `(websub_\w+)`/gm)].map(([, name]) => name);
    const there = [...(await metricsText()).matchAll(/^# TYPE (websub_\S+) /gm)].map(([, name]) => name);
    expect(new Set(described)).toEqual(new Set(there));
  });

  it('are named as Prometheus wants it, and no label holds what a stranger chose', async () => {
    const text = await metricsText();
    const types = [...text.matchAll(/^# TYPE (websub_\S+) (\S+)$/gm)];
    const suffixes: Record<string, RegExp> = {
      counter: /_total$/,
      histogram: /_seconds$/,
      gauge: /(?<!_total)$/,
    };
    const misnamed = types.filter(
      ([, name = '', type = '']) => !suffixes[type]?.test(name) || !text.includes(`# HELP ${name} `),
    );
    expect(types.length).toBeGreaterThan(20);
    expect(misnamed).toEqual([]);
    const values = (await samples())
      .filter(({ name }) => name.startsWith('websub_') && name !== 'websub_build_info')
      .flatMap(({ labels }) => Object.entries(labels).filter(([key]) => key !== 'le'));
    expect(values.filter(([, value]) => !/^[a-z0-9-]{1,24}$/.test(value))).toEqual([]);
    expect(text).not.toContain('t0pic');
    expect(text).not.toContain('127.0.0.1');
  });
});
