import { collectDefaultMetrics, Registry } from 'prom-client';

let registry: Registry | undefined;

/**
 * Metrics of the process: memory, CPU, garbage collection, and the event loop's delay as `nodejs_eventloop_lag_…`. One set
 * for all hubs of a process: it is theirs together, and what measures it (a timer, an observer) is never taken down.
 */
export function processMetrics(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}
