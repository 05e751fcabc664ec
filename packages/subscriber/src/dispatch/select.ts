import type { Level, Match, Rule } from './rules.js';

/** What selection looks at. */
export interface DispatchFacts {
  /** The value of a header, trimmed; for `Link` the URL of its rel=self. */
  header(name: string): string | undefined;
  /** The body as parsed. */
  readonly payload: unknown;
  readonly topic: string;
}

export type MatchedBy = Level | 'fallback' | 'none';

/** The first rule that fits, since rules come in the order in which they count; exactly one handler runs. */
export function select(rules: readonly Rule[], facts: DispatchFacts): Rule | undefined {
  return rules.find(({ match }) => fits(match, facts));
}

/** What the rules look at, and what is there, in words; each once. */
export function lookedAt(rules: readonly Rule[], facts: DispatchFacts): readonly string[] {
  const seen = rules.flatMap(({ match: { header, payload } }) => [
    ...(header === undefined ? [] : [`the header ${header[0]} is ${quoted(facts.header(header[0]))}`]),
    ...(payload === undefined ? [] : [`${payload[0]} is ${quoted(textAt(facts.payload, payload[0]))}`]),
  ]);
  return [...new Set(seen)];
}

const LONGEST_QUOTE = 60;

function quoted(value: string | undefined): string {
  return value === undefined ? 'not there' : JSON.stringify(value.slice(0, LONGEST_QUOTE));
}

function fits({ header, payload, topic }: Match, facts: DispatchFacts): boolean {
  if (header !== undefined && facts.header(header[0]) !== header[1]) return false;
  if (payload !== undefined && textAt(facts.payload, payload[0]) !== String(payload[1])) return false;
  if (topic !== undefined && facts.topic !== topic) return false;
  return header !== undefined || payload !== undefined || topic !== undefined;
}

/** The member at `path` as text, when it is a string, a number or a boolean. */
function textAt(payload: unknown, path: string): string | undefined {
  if (payload instanceof URLSearchParams) return payload.get(path) ?? undefined;
  if (payload instanceof Uint8Array) return undefined;
  const value = valueAt(payload, path);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/**
 * A key that is the whole path counts before the path. Own enumerable members only: `toString`, `__proto__` and the
 * `length` of a list are not data.
 */
function valueAt(payload: unknown, path: string): unknown {
  const whole = ownMember(payload, path);
  if (whole !== undefined || !path.includes('.')) return whole;
  let value = payload;
  for (const key of path.split('.')) value = ownMember(value, key);
  return value;
}

function ownMember(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Object.prototype.propertyIsEnumerable.call(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}
