import { z } from 'zod';

const MOST_PER_PAGE = 1_000;
const WRONG_LIMIT = `limit is not a whole number from 1 to ${MOST_PER_PAGE}: send another one`;

/** What every list takes. */
export const pageQuery = z.object({
  limit: z.coerce
    .number()
    .int(WRONG_LIMIT)
    .min(1, WRONG_LIMIT)
    .max(MOST_PER_PAGE, WRONG_LIMIT)
    .default(100)
    .describe('items of one page'),
  after: once('after').describe('the `next` of the page before'),
});

/** A text that is given once at most. */
export function once(name: string) {
  return z.string(`${name} is given more than once: send it once`).optional();
}

/** One page of these. */
export function pageOf(item: z.ZodType) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe('give it as `after` for the next page; null on the last'),
  });
}

/** Reads one more than a page holds, to know whether another follows. */
export async function answerPage<Row>(
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
  read: (page: { readonly limit: number; readonly after?: string }) => Promise<readonly Row[]>,
  view: (row: Row) => unknown,
  keyOf: (row: Row) => string,
): Promise<unknown> {
  const rows = await read({ limit: limit + 1, ...(after === undefined ? {} : { after }) });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = await Promise.all(shown.map(view));
  return {
    // What ended since it was read has nothing to show.
    items: items.filter((item) => item !== undefined),
    next: rows.length > limit && last !== undefined ? keyOf(last) : null,
  };
}

/** The named parts of the query that are there. */
export function only<Query extends object, Key extends keyof Query>(
  query: Query,
  ...keys: readonly Key[]
): { [K in Key]?: NonNullable<Query[K]> } {
  const there = keys.flatMap((key) => (query[key] === undefined ? [] : [[key, query[key]]]));
  // Of these keys, those whose value is there.
  return Object.fromEntries(there) as { [K in Key]?: NonNullable<Query[K]> };
}

export const time = z.iso.datetime().describe('UTC, ISO 8601');

/** A time that somebody gives, as milliseconds since the epoch. */
export function givenTime(name: string) {
  return z.iso
    .datetime({ offset: true, error: `${name} is no time: write it like 2026-01-31T12:00:00Z` })
    .transform((text) => Date.parse(text));
}

export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

export function isoTimeOrNull(at: number | null | undefined): string | null {
  return at == null ? null : isoTime(at);
}
