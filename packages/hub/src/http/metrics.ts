import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry as MetricsRegistry } from 'prom-client';
import type { HubEmitter } from '../events.js';

/** What is read off when somebody asks. */
export interface Gauges {
  readonly topics: () => number;
  readonly subscriptions: () => number;
  readonly deliveriesWaiting: () => number;
  readonly deliveriesInFlight: () => number;
}

export interface Metrics {
  readonly contentType: string;
  /** Prometheus text. */
  text(): Promise<string>;
}

const LATENCY_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600,
];

/** Counts the hub's events (LAW 10: no label holds anything that a stranger chose). */
export function createMetrics(events: HubEmitter, gauges: Gauges): Metrics {
  const registers = [new MetricsRegistry()];
  const registry = registers[0]!;
  collectDefaultMetrics({ register: registry });

  const entries = new Counter({
    name: 'websub_entries_total',
    help: 'Updates appended to the log',
    registers,
  });
  events.on('entry-appended', () => entries.inc());

  const deliveries = new Counter({
    name: 'websub_deliveries_total',
    help: 'Delivery attempts',
    labelNames: ['outcome'],
    registers,
  });
  events.on('entry-delivered', () => deliveries.inc({ outcome: 'delivered' }));
  events.on('delivery-failed', () => deliveries.inc({ outcome: 'failed' }));

  const latency = new Histogram({
    name: 'websub_delivery_latency_seconds',
    help: 'From publication to the answer of the callback',
    buckets: LATENCY_BUCKETS_SECONDS,
    registers,
  });
  events.on('entry-delivered', ({ latencyMs }) => latency.observe(latencyMs / 1000));

  const letters = new Counter({
    name: 'websub_dead_letters_total',
    help: 'Entries given up',
    labelNames: ['reason'],
    registers,
  });
  events.on('dead-letter', ({ reason }) => letters.inc({ reason }));

  const subscriptionEvents = new Counter({
    name: 'websub_subscription_events_total',
    help: 'Steps in the life of subscriptions',
    labelNames: ['event'],
    registers,
  });
  for (const event of ['requested', 'activated', 'renewed', 'denied', 'ended'] as const) {
    events.on(`subscription-${event}`, () => subscriptionEvents.inc({ event }));
  }
  events.on('verification-failed', () => subscriptionEvents.inc({ event: 'verification-failed' }));

  const fetches = new Counter({
    name: 'websub_topic_fetches_total',
    help: 'Fetches of topics',
    labelNames: ['outcome'],
    registers,
  });
  events.on('topic-fetched', ({ changed }) => fetches.inc({ outcome: changed ? 'changed' : 'unchanged' }));
  events.on('topic-fetch-failed', () => fetches.inc({ outcome: 'failed' }));

  const faults = new Counter({ name: 'websub_faults_total', help: 'Failures of the hub itself', registers });
  events.on('fault', () => faults.inc());

  const quarantined = new Counter({
    name: 'websub_quarantined_rows_total',
    help: 'Stored rows that were not as they were written',
    labelNames: ['source'],
    registers,
  });
  events.on('row-quarantined', ({ source }) => quarantined.inc({ source }));

  gauge(registers, 'websub_topics', 'Topics known', gauges.topics);
  gauge(registers, 'websub_subscriptions', 'Subscriptions, pending ones included', gauges.subscriptions);
  gauge(
    registers,
    'websub_deliveries_waiting',
    'Deliveries waiting for their turn',
    gauges.deliveriesWaiting,
  );
  gauge(registers, 'websub_deliveries_in_flight', 'Deliveries in flight', gauges.deliveriesInFlight);

  return { contentType: registry.contentType, text: () => registry.metrics() };
}

function gauge(registers: MetricsRegistry[], name: string, help: string, read: () => number): void {
  // prom-client registers it; it is read through the registry.
  void new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
