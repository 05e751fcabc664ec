const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How long a hub may take to verify a request before it is asked again; doubles with each request. */
const VERIFICATION_MS = 5 * MINUTE;
const LONGEST_VERIFICATION_MS = 6 * HOUR;
/** The first wait after a request that got no usable answer; doubles with each one. */
const RETRY_MS = 10 * SECOND;
const LONGEST_RETRY_MS = HOUR;
const SHORTEST_WAIT_MS = SECOND / 4;

/** Milliseconds to wait for the verification of the `attempts`th request. */
export function verificationPatience(attempts: number, leaseLeftMs: number | undefined): number {
  return withinLease(doubled(VERIFICATION_MS, attempts, LONGEST_VERIFICATION_MS), leaseLeftMs);
}

/** Milliseconds to wait after the `attempts`th request came to nothing; up to 20 % less, told by `key`. */
export function retryPatience(attempts: number, leaseLeftMs: number | undefined, key: string): number {
  const wait = doubled(RETRY_MS, attempts, LONGEST_RETRY_MS) * (1 - 0.2 * fractionOf(`${key} ${attempts}`));
  return withinLease(wait, leaseLeftMs);
}

/**
 * A number in [0, 1) that depends on `key` alone: it spreads what would fall due together, and a decision that uses it
 * still gives the same answer to the same question. FNV-1a.
 */
export function fractionOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}

function doubled(first: number, attempts: number, longest: number): number {
  return Math.min(first * 2 ** Math.max(0, attempts - 1), longest);
}

/** While a lease runs there are to be several tries before its end, however short it is. */
function withinLease(wait: number, leaseLeftMs: number | undefined): number {
  return leaseLeftMs === undefined ? wait : Math.max(SHORTEST_WAIT_MS, Math.min(wait, leaseLeftMs / 4));
}
