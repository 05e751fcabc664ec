import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Where and when something was measured. */
export interface Machine {
  /** ISO 8601. */
  readonly at: string;
  readonly processors: number;
  readonly processor: string;
  readonly memoryGib: number;
  readonly node: string;
  /** The load average of the minute before: what else wanted the processors, and the bench itself. */
  readonly load: number;
}

export function thisMachine(): Machine {
  return {
    at: new Date().toISOString(),
    processors: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    load: loadavg()[0] ?? NaN,
  };
}
