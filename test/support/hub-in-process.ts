import { parseArgs } from 'node:util';
import { createHub, type Hub, type HubOptions } from '@websub/hub';
import { TestClock } from '@websub/shared';
import { onTestFinished } from 'vitest';
import { flagOf, OPTION_SPECS } from '../../packages/hub/dist/cli-option-specs.js';
import { readStartOptions } from '../../packages/hub/dist/cli-options.js';
import { WORKERS, type HubOptions as CommandLine } from './hub-process.js';

export interface ClockedHub {
  readonly hub: Hub;
  readonly clock: TestClock;
  /** Advances by `ms`, in steps small enough that what is sent in between is answered in between. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

/**
 * A hub in this process whose time moves only when the test says so; stopped with the test. It sends itself nothing: where
 * days pass in a moment, an update every ten seconds would be nearly all of the work.
 */
export async function startClockedHub(options: HubOptions = {}): Promise<ClockedHub> {
  const clock = new TestClock(Date.UTC(2026, 10, 21, 12));
  const hub = await createHub({
    dev: true,
    port: 0,
    data: ':memory:',
    canarySeconds: 0,
    ...options,
    ports: { clock },
  });
  onTestFinished(() => hub.stop());
  return {
    hub,
    clock,
    pass: async (ms, stepMs = ms) => {
      for (let left = ms; left > 0; left -= stepMs) await clock.advance(Math.min(stepMs, left));
    },
  };
}

/**
 * A hub in this process, with the flags of one in a process of its own, which takes eight times the time to start. For
 * whatever neither ends the process nor reads what it writes. Keeps its data in memory unless told where.
 */
export function embedHub({
  dev = true,
  flags = [],
  env = {},
  data = ':memory:',
}: CommandLine = {}): Promise<Hub> {
  const { hub } = readStartOptions(parse(flags), { ...WORKERS, ...env });
  return createHub({ dev, ...hub, port: 0, data });
}

/** What the command line hands over of flags. Throws at one that it would refuse. */
function parse(flags: readonly string[]): Record<string, string | boolean | undefined> {
  const { values } = parseArgs({
    args: [...flags],
    options: Object.fromEntries(
      OPTION_SPECS.map(({ name, kind }) => [
        keyOf(name),
        { type: kind === 'switch' ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
  });
  return Object.fromEntries(OPTION_SPECS.map(({ name }) => [name, values[keyOf(name)]]));
}

function keyOf(name: string): string {
  return flagOf(name).slice('--'.length);
}
