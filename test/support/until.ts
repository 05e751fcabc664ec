import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 5;

/**
 * Asks again and again until the probe answers something that is not `undefined`, `false` or `null`, and settles with
 * it. Rejects after `timeoutMs`, naming `what` was waited for.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  // Ends at the deadline.
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false && found !== null) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await pause(POLL_MS);
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
