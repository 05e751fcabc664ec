/** How often and when a failed delivery is tried again. */
export interface PatienceOptions {
  /** Milliseconds before each further attempt; after the last comes the dead letter. */
  readonly retryDelaysMs: readonly number[];
  /** The shortest wait after a timeout, 429 or 503, which ask for room; 0 for none. */
  readonly overloadFloorMs: number;
  /** A subscription that has failed for so long without a success is suspended. */
  readonly suspendAfterMs: number;
}

/** One failed attempt, as far as patience is concerned. */
export interface FailedAttempt {
  /** Attempts made of this entry, this one included. */
  readonly attempts: number;
  /** The callback is overloaded rather than broken: a timeout, 429 or 503. */
  readonly overloaded: boolean;
  /** What the callback asked for by `Retry-After`. */
  readonly retryAfterMs: number | undefined;
  /** Deliveries have failed for days: with this attempt (`begins`), or already before it (`lasts`). */
  readonly suspension: 'none' | 'begins' | 'lasts';
}

/** When to go on, in milliseconds: with the same entry, or with what follows it. */
export type Verdict =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'give-up'; readonly delayMs: number };

/** The production schedule: 2.65 days in all. */
export const DEFAULT_RETRY_DELAYS_SECONDS: readonly number[] = [
  5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 43_200, 43_200, 43_200,
];
export const DEFAULT_OVERLOAD_FLOOR_MS = 60_000;
export const DEFAULT_SUSPEND_AFTER_SECONDS = 259_200;

/** Each update of a suspended subscription is tried once: the first at once, the others no more often than this. */
const SUSPENDED_PACE_MS = 60_000;

const JITTER = 0.2;
/** No `Retry-After` is followed for longer. */
export const LONGEST_RETRY_AFTER_MS = 12 * 3_600_000;

/** The retry policy: pure. `fraction` in [0, 1) spreads what failed together. */
export function patience(options: PatienceOptions, failed: FailedAttempt, fraction: number): Verdict {
  // Within once and twice what was asked for: never sooner, and not everybody in the same second.
  const asked = Math.min((failed.retryAfterMs ?? 0) * (1 + fraction), LONGEST_RETRY_AFTER_MS);
  if (failed.suspension !== 'none') {
    const pace = failed.suspension === 'begins' ? 0 : SUSPENDED_PACE_MS;
    return { kind: 'give-up', delayMs: Math.round(Math.max(pace, asked)) };
  }
  const delay = options.retryDelaysMs[failed.attempts - 1];
  if (delay === undefined) return { kind: 'give-up', delayMs: 0 };
  const jittered = delay * (1 - JITTER + 2 * JITTER * fraction);
  const floor = failed.overloaded ? options.overloadFloorMs : 0;
  return { kind: 'retry', delayMs: Math.round(Math.max(jittered, floor, asked)) };
}

/** Failures one after the other with which it is the callback that fails, and not what it was given. */
const FAILURES_TOLD = 3;

/**
 * How long everything waits that is owed to a recipient with a window, besides the entry that failed: pure; 0 while the
 * others go on. They wait when the callback asks for room, or has failed several times without a success in between
 * (`failures`); then for as long as an entry that had failed alone.
 */
export function windowPause(
  options: PatienceOptions,
  failed: Pick<FailedAttempt, 'overloaded' | 'retryAfterMs'> & { readonly failures: number },
  fraction: number,
): number {
  const { overloaded, retryAfterMs, failures } = failed;
  if (!overloaded && retryAfterMs === undefined && failures < FAILURES_TOLD) return 0;
  const attempts = Math.min(Math.max(1, failures - FAILURES_TOLD + 1), options.retryDelaysMs.length);
  return patience(options, { attempts, overloaded, retryAfterMs, suspension: 'none' }, fraction).delayMs;
}

/** Milliseconds that a `Retry-After` value asks for (RFC 9110 §10.2.3: seconds or a date); `undefined` when it says nothing usable. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  // Date.parse alone takes "-5" for a year.
  const date = /^[A-Za-z]{3,9}, .+ GMT$/.test(value.trim()) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
