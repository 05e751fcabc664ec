import type { Place, Places } from '../../subscription/places.js';
import type { Moved } from './commands.js';
import type { Quarantine } from './quarantine.js';
import { readOn } from './read-on.js';
import type { StoreThread } from './store-thread.js';

/** Rows of one command: some 10 ms of the store's thread. */
const ROWS_AT_ONCE = 5_000;
/** With fewer, a statement for all costs more than one for each. */
const LEAST_TOGETHER = 16;

/** The places of subscriptions in SQLite. */
export class SqlitePlaces implements Places {
  readonly #thread: StoreThread;
  readonly #quarantine: Quarantine;

  constructor(thread: StoreThread, quarantine: Quarantine) {
    this.#thread = thread;
    this.#quarantine = quarantine;
  }

  async *load(): AsyncIterable<readonly Place[]> {
    const batches = readOn((after) => this.#thread.call('placesAfter', [after, ROWS_AT_ONCE]));
    for await (const { places, damaged } of batches) {
      // Without its place, a subscription is given again what was published since its lease began.
      await this.#quarantine.add('place', damaged);
      if (places.length > 0) yield places;
    }
  }

  async save(places: readonly Place[]): Promise<void> {
    if (places.length > 0) await this.#thread.call('savePlaces', [together(places)]);
  }
}

/**
 * Places in their order, with those in a row that have moved to the same position as one: an update that reaches many
 * callbacks is saved by a few statements, which takes half the time.
 */
function together(places: readonly Place[]): readonly (Place | Moved)[] {
  const steps: (Place | Moved)[] = [];
  for (let start = 0; start < places.length;) {
    const end = endOfRow(places, start);
    const row = places.slice(start, end);
    if (row.length < LEAST_TOGETHER) steps.push(...row);
    else
      steps.push({
        position: row[0]!.position,
        subscriptions: row.map(({ subscription }) => subscription),
      });
    start = end;
  }
  return steps;
}

/** Where a row of places ends that have moved to the same position; a place of which more is to be said is one by itself. */
function endOfRow(places: readonly Place[], start: number): number {
  const { position } = places[start]!;
  let end = start;
  while (end < places.length && places[end]!.position === position && hasOnlyMoved(places[end]!)) end++;
  return Math.max(end, start + 1);
}

function hasOnlyMoved({ attempts, dueAt, failure, beyond }: Place): boolean {
  return attempts === 0 && dueAt === 0 && failure === null && beyond === null;
}
