import type { CancelTimer, Clock } from '@websub/shared';
import { Gauge, Registry } from 'prom-client';
import type { BreakerCounts } from '../delivery/host-health.js';
import type { LagReport } from '../delivery/lag.js';
import type { StreamLag } from '../bridge/stream-lag.js';
import type { HubEmitter } from '../events.js';
import type { LogSize } from '../log/log.js';
import { VERSION } from '../package-info.js';
import { observeEvents } from './event-metrics.js';
import { processMetrics } from './process-metrics.js';

/** What is read off when somebody asks. */
export interface Gauges {
  readonly storeLateSeconds: () => number;
  readonly topics: () => number;
  readonly subscriptions: () => number;
  readonly deliveriesWaiting: () => number;
  readonly deliveriesInFlight: () => number;
  readonly deliveriesHeld: () => number;
  readonly streams: () => number;
  readonly streamLag: () => Promise<readonly StreamLag[]>;
  readonly breakers: () => BreakerCounts;
  readonly lag: () => Promise<LagReport>;
  readonly logSize: () => Promise<LogSize>;
  readonly canaryLate: () => boolean;
}

export interface Metrics {
  readonly contentType: string;
  /** Prometheus text. What cannot be read at this moment is `NaN`; it never rejects. */
  text(): Promise<string>;
}

/** The hub's metrics: events as they come, gauges when they are asked for. */
export function createMetrics(events: HubEmitter, gauges: Gauges, clock: Clock): Metrics {
  const registry = new Registry();
  observeEvents(events, registry);
  const build = new Gauge({
    name: 'websub_build_info',
    help: 'Always 1; what runs is in the labels',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  build.set({ version: VERSION, node: process.version }, 1);
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void =>
    addGauge(registry, name, help, () => soon(read, clock));
  gauge(
    'websub_store_late_seconds',
    'How long the oldest request to the store has waited for its answer',
    gauges.storeLateSeconds,
  );
  gauge('websub_topics', 'Topics known', gauges.topics);
  gauge('websub_subscriptions', 'Subscriptions, pending ones included', gauges.subscriptions);
  gauge('websub_deliveries_waiting', 'Deliveries waiting for their turn', gauges.deliveriesWaiting);
  gauge('websub_deliveries_in_flight', 'Deliveries in flight', gauges.deliveriesInFlight);
  gauge('websub_streams', 'Streams that are open', gauges.streams);
  gauge('websub_deliveries_held', 'Deliveries waiting for an origin to recover', gauges.deliveriesHeld);
  addStreamLag(registry, gauges.streamLag);
  addBreakers(registry, gauges.breakers);
  gauge('websub_recipients_behind', 'Subscriptions that are owed something', async () => {
    const { recipientsBehind } = await gauges.lag();
    return recipientsBehind;
  });
  gauge('websub_oldest_undelivered_seconds', 'Age of the oldest entry that is owed, else 0', async () => {
    const { oldestMs } = await gauges.lag();
    return oldestMs / 1000;
  });
  gauge('websub_log_entries', 'Entries that the log keeps', async () => (await gauges.logSize()).entries);
  gauge(
    'websub_log_bytes',
    'Bytes of content that the log keeps',
    async () => (await gauges.logSize()).bytes,
  );
  gauge(
    'websub_canary_late',
    "1 while the hub's own update does not come round, which makes it not ready",
    () => Number(gauges.canaryLate()),
  );
  const all = [registry, processMetrics()];
  return {
    contentType: registry.contentType,
    text: async () => (await Promise.all(all.map((one) => one.metrics()))).join('\n'),
  };
}

function addGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => number | Promise<number>,
): void {
  // prom-client registers it; it is read through the registry.
  void new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      this.set(await read());
    },
  });
}

const LONGEST_READ_MS = 1_000;

/** A store that cannot be read, or does not answer, must not take the other figures with it. */
async function soon(read: () => number | Promise<number>, clock: Clock): Promise<number> {
  let cancel: CancelTimer | undefined;
  const late = new Promise<number>((resolve) => {
    cancel = clock.after(LONGEST_READ_MS, () => resolve(NaN));
  });
  try {
    return await Promise.race([read(), late]);
  } catch {
    return NaN;
  } finally {
    cancel?.();
  }
}

const NO_LAG: readonly StreamLag[] = [];

function addStreamLag(registry: Registry, read: () => Promise<readonly StreamLag[]>): void {
  const add = (name: string, help: string, value: (lag: StreamLag) => number): void => {
    void new Gauge({
      name,
      help,
      labelNames: ['stream'],
      registers: [registry],
      async collect() {
        this.reset();
        // A store that cannot be read must not take the other figures with it.
        for (const lag of await read().catch(() => NO_LAG)) this.set({ stream: lag.stream }, value(lag));
      },
    });
  };
  add(
    'websub_stream_lag_entries',
    'Updates that a stream is behind, of the furthest',
    ({ entries }) => entries,
  );
  add(
    'websub_stream_lag_bytes',
    'Bytes of content that a stream is behind, of the furthest',
    ({ bytes }) => bytes,
  );
}

function addBreakers(registry: Registry, read: () => BreakerCounts): void {
  void new Gauge({
    name: 'websub_breakers',
    help: 'Origins of callbacks that are spared: open until they are tried again, or just being probed',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(read())) this.set({ state }, count);
    },
  });
}
