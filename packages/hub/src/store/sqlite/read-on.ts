/** Rows of a table; `last` is where the next ones begin, and absent with the last batch. */
interface Batch {
  readonly last?: number;
}

/** The batches of a table. The store's thread reads each while the one before it is dealt with. */
export async function* readOn<Rows extends Batch>(
  next: (after: number) => Promise<Rows>,
): AsyncGenerator<Rows, void> {
  let asked: Promise<Rows> | undefined = next(0);
  while (asked !== undefined) {
    const rows: Rows = await asked;
    asked = rows.last === undefined ? undefined : next(rows.last);
    // Whoever takes it is told.
    asked?.catch(() => undefined);
    // What is asked for leaves for the thread with this turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    yield rows;
  }
}
