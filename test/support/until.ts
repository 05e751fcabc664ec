import { setTimeout as pause } from 'node:timers/promises';

/** The longer something takes, the less it matters to see it at once: a probe may be a request, and many wait side by side. */
const POLL_MS = { least: 5, most: 25, perElapsed: 0.1 };

/**
 * Asks again and again until the probe answers something that is not `undefined`, `false` or `null`, and settles with
 * it. Rejects after `timeoutMs`, naming `what` was waited for.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  timeoutMs = 10_000,
): Promise<T> {
  const startedAt = performance.now();
  // Ends at the deadline.
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false && found !== null) return found;
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs > timeoutMs) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await pause(Math.min(Math.max(elapsedMs * POLL_MS.perElapsed, POLL_MS.least), POLL_MS.most));
  }
}

/** Settles when at least `count` items are there, with the first `count` of them. */
export async function arrived<T>(
  what: string,
  items: readonly T[],
  count: number,
  timeoutMs?: number,
): Promise<T[]> {
  try {
    await until(`${count} ${what} arrived`, () => items.length >= count, timeoutMs);
  } catch (thrown) {
    throw new Error(`${items.length} of ${count} ${what} arrived in time`, { cause: thrown });
  }
  return items.slice(0, count);
}
