import type { HotTail } from '../log/hot-tail.js';
import type { Behind, Position } from '../log/log.js';
import type { Selection } from './selection.js';

/** Entries that are counted; more are as many. */
export const MOST_COUNTED = 10_000;
const LOOKED_AT = 512;

/** How far behind the head a reader at this position is, filters aside. Rejects when the store fails. */
export async function behindOf(log: HotTail, selection: Selection, after: Position): Promise<Behind> {
  if (after >= log.head()) return { entries: 0, bytes: 0, since: null };
  const topics = await topicsBehind(log, selection, after);
  const each = await Promise.all(topics.map((topic) => log.behind(topic, after, MOST_COUNTED)));
  return each.reduce(
    (sum, one) => ({
      entries: Math.min(sum.entries + one.entries, MOST_COUNTED),
      bytes: sum.bytes + one.bytes,
      since: earlier(sum.since, one.since),
    }),
    { entries: 0, bytes: 0, since: null },
  );
}

async function topicsBehind(log: HotTail, selection: Selection, after: Position): Promise<readonly string[]> {
  const topics = new Set(selection.topics);
  if (selection.patterns.length === 0) return [...topics];
  let position = after;
  // Each round goes further, and as many are looked at as are counted.
  for (let looked = 0; looked < MOST_COUNTED; looked += LOOKED_AT) {
    const contents = await log.contentsAfter(position, LOOKED_AT);
    if (contents.kind === 'caught-up') break;
    if (contents.kind === 'gap') {
      position = contents.resume;
      continue;
    }
    for (const { topic } of contents.entries) if (selection.includes(topic)) topics.add(topic);
    position = contents.entries.at(-1)!.position;
  }
  return [...topics];
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}
