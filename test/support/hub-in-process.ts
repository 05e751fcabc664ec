import { createHub, type Hub, type HubOptions } from '@websub/hub';
import { TestClock } from '@websub/shared';
import { onTestFinished } from 'vitest';

export interface ClockedHub {
  readonly hub: Hub;
  readonly clock: TestClock;
  /** Advances by `ms`, in steps small enough that what is sent in between is answered in between. */
  pass(ms: number, stepMs?: number): Promise<void>;
}

/** A hub in this process whose time moves only when the test says so; stopped with the test. */
export async function startClockedHub(options: HubOptions = {}): Promise<ClockedHub> {
  const clock = new TestClock(Date.UTC(2026, 10, 21, 12));
  const hub = await createHub({ dev: true, port: 0, data: ':memory:', ...options, ports: { clock } });
  onTestFinished(() => hub.stop());
  return {
    hub,
    clock,
    pass: async (ms, stepMs = ms) => {
      for (let left = ms; left > 0; left -= stepMs) await clock.advance(Math.min(stepMs, left));
    },
  };
}
