import type { HotTail } from '../../log/hot-tail.js';
import type { Entry } from '../../log/log.js';
import { payloadOf, type Payload } from '../payload.js';
import type { Selection } from '../selection.js';
import { loomEventOf, type LoomEvent } from './loom-event.js';
import type { LoomTopics } from './loom-topics.js';

/** Which events somebody asks for, and which page of them. */
export interface EventPageWish {
  readonly selection: Selection;
  readonly mayReceive: (entry: Entry, payload: () => Payload) => boolean;
  /** When they happened, as their publishers say: milliseconds since the epoch, both included. */
  readonly from: number;
  readonly to: number;
  /** From 1 on. */
  readonly page: number;
  /** Ends the search when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

export interface EventPage {
  readonly events: readonly LoomEvent[];
  /** Of all pages. */
  readonly count: number;
}

export const EVENTS_PER_PAGE = 100;
/** A publisher's clock may be ahead of the hub's by so much. */
const CLOCKS_DIFFER_MS = 86_400_000;
const STEP = { entries: 256, bytes: 1024 * 1024 };

/**
 * The page of events that match, the first published first. Reads all of them, since a publisher's time is in the event and
 * how many there are is nobody's to guess; in steps, so that others have their turn. `undefined` when it was given up;
 * rejects when the store fails.
 */
export async function findEvents(
  log: HotTail,
  topics: LoomTopics,
  { selection, mayReceive, from, to, page, signal }: EventPageWish,
): Promise<EventPage | undefined> {
  const first = (page - 1) * EVENTS_PER_PAGE;
  const events: LoomEvent[] = [];
  let count = 0;
  const take = (entry: Entry): void => {
    const address = topics.addressOf(entry.topic);
    const payload = (): Payload => payloadOf(entry);
    if (address === undefined || entry.corrupt || !mayReceive(entry, payload)) return;
    const event = loomEventOf(entry, payload(), address);
    const happened = Date.parse(event.timestamp);
    if (happened < from || happened > to) return;
    if (count >= first && events.length < EVENTS_PER_PAGE) events.push(event);
    count += 1;
  };
  const end = log.head();
  let position = Number.isFinite(from) ? await log.since(from - CLOCKS_DIFFER_MS) : await log.earliest();
  // Ends at what was the head when it began.
  while (position < end && !signal.aborted) {
    const found = selection.peek(log, position, STEP) ?? (await selection.read(log, position, STEP));
    if (found.kind === 'caught-up') break;
    if (found.kind === 'skipped') position = found.to;
    else if (found.kind === 'gap') position = found.resume;
    else {
      for (const entry of found.entries) if (entry.position <= end) take(entry);
      position = found.entries.at(-1)!.position;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return signal.aborted ? undefined : { events, count };
}
