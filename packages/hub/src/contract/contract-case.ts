/**
 * One promise of a port. Suites are data, so that any test runner can run them against any implementation:
 *
 *     for (const { title, run } of logContract) it(title, () => run(opener()));
 */
export interface ContractCase<Port> {
  /** What is promised, in the present tense. */
  readonly title: string;
  /** Whether it opens the same data again; an implementation that keeps nothing leaves these out. */
  readonly reopens: boolean;
  /** Rejects with an `AssertionError` when the promise is broken. */
  readonly run: (open: Open<Port>) => Promise<void>;
}

/** Opens the port over one set of data, empty at first; a second call closes what the first opened and opens the same data again. */
export type Open<Port> = () => Promise<Port>;

/** A case that opens once. */
export function promise<Port>(title: string, run: (port: Port) => Promise<void>): ContractCase<Port> {
  return { title, reopens: false, run: async (open) => run(await open()) };
}

/** A case that opens the same data more than once. */
export function promiseForEver<Port>(
  title: string,
  run: (open: Open<Port>) => Promise<void>,
): ContractCase<Port> {
  return { title, reopens: true, run };
}
