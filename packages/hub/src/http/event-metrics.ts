import type { OutcomeClass } from '@websub/shared';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { DeliveryAttempt, HubEmitter } from '../events.js';

const LATENCY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

const SUBSCRIPTION_STEPS = [
  'requested',
  'activated',
  'renewed',
  'suspended',
  'recovered',
  'paused',
  'resumed',
  'denied',
  'ended',
] as const;

/** Counts and times the hub's events. No label holds anything that a stranger chose (LAW 10). */
export function observeEvents(events: HubEmitter, registry: Registry): void {
  const registers = [registry];
  observeStreams(events, registers);
  observePublications(events, registers);
  observeDeliveries(events, registers);
  observeSubscriptions(events, registers);
  observeFetches(events, registers);
  const canary = new Histogram({
    name: 'websub_canary_latency_seconds',
    help: "From publication to delivery of the hub's own update",
    buckets: LATENCY_SECONDS,
    registers,
  });
  events.on('canary-returned', ({ latencyMs }) => canary.observe(latencyMs / 1000));
  const commit = new Histogram({
    name: 'websub_store_commit_seconds',
    help: 'What a commit of the store took, with everything that shared it',
    buckets: COMMIT_SECONDS,
    registers,
  });
  events.on('store-committed', ({ durationMs }) => commit.observe(durationMs / 1000));
  const quarantined = new Counter({
    name: 'websub_quarantined_rows_total',
    help: 'Stored rows that were not as they were written',
    labelNames: ['source'],
    registers,
  });
  events.on('row-quarantined', ({ source }) => quarantined.inc({ source }));
  const faults = new Counter({ name: 'websub_faults_total', help: 'Failures of the hub itself', registers });
  events.on('fault', () => faults.inc());
}

function observeStreams(events: HubEmitter, registers: Registry[]): void {
  const ends = new Counter({
    name: 'websub_stream_ends_total',
    help: 'Streams that ended, by why',
    labelNames: ['end'],
    registers,
  });
  events.on('stream-closed', ({ end }) => ends.inc({ end }));
  const stalls = new Counter({
    name: 'websub_stream_stalls_total',
    help: 'Times that a client took nothing for five seconds although something waited for it',
    registers,
  });
  events.on('stream-stalled', () => stalls.inc());
}

function observePublications(events: HubEmitter, registers: Registry[]): void {
  const entries = new Counter({
    name: 'websub_entries_total',
    help: 'Updates appended to the log',
    registers,
  });
  const bytes = new Counter({
    name: 'websub_entry_bytes_total',
    help: 'Bytes of content appended to the log',
    registers,
  });
  events.on('entry-appended', (appended) => {
    entries.inc();
    bytes.inc(appended.bytes);
  });
}

function observeDeliveries(events: HubEmitter, registers: Registry[]): void {
  const attempts = new Counter({
    name: 'websub_delivery_attempts_total',
    help: 'Delivery attempts by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'websub_delivery_attempt_seconds',
    help: 'What one delivery attempt took, whatever became of it',
    buckets: LATENCY_SECONDS,
    registers,
  });
  const latency = new Histogram({
    name: 'websub_delivery_latency_seconds',
    help: 'From publication to the answer of a callback that took it',
    buckets: LATENCY_SECONDS,
    registers,
  });
  // Bound once: what prom-client does to find its labels costs more than counting.
  const durations = duration.labels();
  const latencies = latency.labels();
  const byOutcome = new Map<OutcomeClass, Counter.Internal>();
  const counterOf = (outcome: OutcomeClass): Counter.Internal => {
    const known = byOutcome.get(outcome) ?? attempts.labels(outcome);
    byOutcome.set(outcome, known);
    return known;
  };
  const attempted = ({ outcome, durationMs }: DeliveryAttempt): void => {
    counterOf(outcome).inc();
    durations.observe(durationMs / 1000);
  };
  events.on('entry-delivered', (delivered) => {
    attempted(delivered);
    // A dead letter that is redelivered is as late as its operator.
    if (!delivered.outOfTurn) latencies.observe(delivered.latencyMs / 1000);
  });
  events.on('delivery-failed', attempted);
  const letters = new Counter({
    name: 'websub_dead_letters_total',
    help: 'Entries given up',
    labelNames: ['reason'],
    registers,
  });
  events.on('dead-letter', ({ reason }) => letters.inc({ reason }));
}

function observeSubscriptions(events: HubEmitter, registers: Registry[]): void {
  const steps = new Counter({
    name: 'websub_subscription_events_total',
    help: 'Steps in the life of subscriptions',
    labelNames: ['event'],
    registers,
  });
  for (const event of SUBSCRIPTION_STEPS) {
    events.on(`subscription-${event}`, () => steps.inc({ event }));
  }
  events.on('verification-failed', () => steps.inc({ event: 'verification-failed' }));
  const verifications = new Counter({
    name: 'websub_verification_attempts_total',
    help: 'Verifications of intent by what became of them',
    labelNames: ['mode', 'outcome'],
    registers,
  });
  events.on('verification-attempted', ({ mode, outcome }) => verifications.inc({ mode, outcome }));
}

function observeFetches(events: HubEmitter, registers: Registry[]): void {
  const fetches = new Counter({
    name: 'websub_topic_fetches_total',
    help: 'Fetches of topics',
    labelNames: ['outcome'],
    registers,
  });
  events.on('topic-fetched', ({ changed }) => fetches.inc({ outcome: changed ? 'changed' : 'unchanged' }));
  events.on('topic-fetch-failed', () => fetches.inc({ outcome: 'failed' }));
}
