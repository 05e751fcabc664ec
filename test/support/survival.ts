import { beforeAll, expect, it } from 'vitest';
import type { HubProcess } from './hub-process.js';

const MINUTE = 60_000;

/**
 * Arranges something, and yields; goes on while the hub is down, and yields; goes on when the hub has been started again, to
 * see what became of it.
 */
export type Survival = (hub: HubProcess) => AsyncGenerator<undefined, void, undefined>;

/**
 * A test for each, by its title. They share one kill and one start, which would take most of the time of each; they are
 * arranged one after the other. Stands in a `describe` of its own.
 */
export function itSurvives(hub: () => HubProcess, survivals: Readonly<Record<string, Survival>>): void {
  const underWay = new Map<string, ReturnType<Survival>>();

  beforeAll(async () => {
    for (const [title, survival] of Object.entries(survivals)) underWay.set(title, survival(hub()));
    for (const [title, each] of underWay) await untilItYields(title, each);
    await hub().kill();
    for (const [title, each] of underWay) await untilItYields(title, each);
    await hub().restart();
  }, MINUTE);

  it.each(Object.keys(survivals))(
    '%s',
    async (title) => {
      expect(await underWay.get(title)?.next()).toEqual({ done: true, value: undefined });
    },
    MINUTE,
  );
}

/** One that ended here would have looked at nothing after the start. */
async function untilItYields(title: string, survival: ReturnType<Survival>): Promise<void> {
  const { done } = await survival.next();
  if (done === true) throw new Error(`"${title}" does not wait until the hub was started again`);
}
