import type { PayloadType } from './payload-type.js';
import type { DispatchTables, Entry, Table } from './tables.js';

/** How a handler was chosen, the more specific first. */
export const LEVELS = ['header+payload', 'header', 'payload', 'topic'] as const;
export type Level = (typeof LEVELS)[number];

/** What a notification must have for a handler to be chosen. At least one of the three. */
export interface Match {
  /** Header name, in any case, and its exact value. The name `Link` stands for the URL of its rel=self. */
  readonly header?: readonly [name: string, value: string];
  /** Key of the payload, or a path with dots, and its value, compared as text. */
  readonly payload?: readonly [path: string, value: string | number | boolean];
  readonly topic?: string;
}

/** One way to a handler. */
export interface Rule {
  readonly level: Level;
  readonly match: Match;
  readonly method: string;
  readonly type?: PayloadType;
}

/** A rule as a decorator wrote it: `@OnHeader` leaves the header's name to the class. */
export interface MarkedMethod {
  readonly method: string;
  readonly match: Match | { readonly topicHeaderValue: string };
  readonly type?: PayloadType;
}

export interface CompiledRules {
  /** In the order in which they are tried: by level, then as written. */
  readonly rules: readonly Rule[];
  /** Sentences about what is wrong with the tables, each with its cure; empty when they can be used. */
  readonly problems: readonly string[];
}

/**
 * Makes one list of rules of the tables and of the methods that decorators marked. `hasMethod` tells which methods the
 * service has.
 */
export function compileRules(
  tables: DispatchTables,
  marked: readonly MarkedMethod[],
  hasMethod: (name: string) => boolean,
): CompiledRules {
  const drafts = [...rulesOfTables(tables), ...marked.map((mark) => ruleOfMark(mark, tables.topicHeader))];
  const known = tables.partial === true ? drafts.filter(({ method }) => hasMethod(method)) : drafts;
  const problems = [
    ...problemsOfTables(tables),
    ...known.flatMap((rule) => problemsOfRule(rule, hasMethod)),
    ...problemsOfMarks(marked, tables.topicHeader),
    ...duplicatesIn(known),
  ];
  const rules = LEVELS.flatMap((level) => known.filter((rule) => rule.level === level));
  return { rules, problems };
}

function rulesOfTables(tables: DispatchTables): readonly Rule[] {
  const name = tables.topicHeader ?? '';
  const reads = tablesRead(tables);
  const combined = reads.combined ? pairs(tables.headerAndPayloadKeyResourceMap) : [];
  const byHeader = reads.header ? pairs(tables.headerResourceMap) : [];
  const byPayload = reads.payload ? pairs(tables.payloadKeyResourceMap) : [];
  return [
    ...combined.flatMap(([value, map]) => payloadRules(map, { header: [name, value] })),
    ...byHeader.map(([value, entry]) => ruleFor({ header: [name, value] }, entry)),
    ...byPayload.flatMap(([key, values]) => payloadRules([[key, values]], {})),
  ];
}

function payloadRules(map: Table<Table<Entry>>, beside: Match): readonly Rule[] {
  return pairs(map).flatMap(([key, values]) =>
    pairs(values).map(([value, entry]) => ruleFor({ ...beside, payload: [key, value] }, entry)),
  );
}

function ruleFor(match: Match, [method, type]: Entry): Rule {
  return { level: levelOf(match), match, method, ...(type === undefined ? {} : { type }) };
}

function ruleOfMark({ method, match, type }: MarkedMethod, topicHeader: string | undefined): Rule {
  const whole: Match =
    'topicHeaderValue' in match ? { header: [topicHeader ?? '', match.topicHeaderValue] } : match;
  return { level: levelOf(whole), match: whole, method, ...(type === undefined ? {} : { type }) };
}

function levelOf({ header, payload }: Match): Level {
  if (header !== undefined) return payload === undefined ? 'header' : 'header+payload';
  return payload === undefined ? 'topic' : 'payload';
}

/** Which tables count, exactly as Ballerina decides it. */
function tablesRead({ topicIdentifier }: DispatchTables): Record<'combined' | 'header' | 'payload', boolean> {
  const all = topicIdentifier === undefined || topicIdentifier === 'TOPIC_ID_HEADER_AND_PAYLOAD';
  return {
    combined: all,
    header: all || topicIdentifier === 'TOPIC_ID_HEADER',
    payload: all || topicIdentifier === 'TOPIC_ID_PAYLOAD_KEY',
  };
}

const OWN_TABLE = {
  TOPIC_ID_HEADER: 'headerResourceMap',
  TOPIC_ID_PAYLOAD_KEY: 'payloadKeyResourceMap',
  TOPIC_ID_HEADER_AND_PAYLOAD: 'headerAndPayloadKeyResourceMap',
} as const;

function problemsOfTables(tables: DispatchTables): readonly string[] {
  const { topicIdentifier, topicHeader } = tables;
  const problems: string[] = [];
  if (topicIdentifier !== undefined) {
    const own = OWN_TABLE[topicIdentifier];
    if (tables[own] === undefined) problems.push(`topicIdentifier is ${topicIdentifier}: give ${own} too`);
  }
  const reads = tablesRead(tables);
  const byHeader =
    (reads.combined && tables.headerAndPayloadKeyResourceMap !== undefined) ||
    (reads.header && tables.headerResourceMap !== undefined);
  if (byHeader && topicHeader === undefined) {
    problems.push('a table goes by a header: name the header in topicHeader');
  }
  return problems;
}

function problemsOfMarks(
  marked: readonly MarkedMethod[],
  topicHeader: string | undefined,
): readonly string[] {
  if (topicHeader !== undefined) return [];
  return marked
    .filter(({ match }) => 'topicHeaderValue' in match)
    .map(({ method }) => `@OnHeader on ${method}: name the header in topicHeader of @SubscriberService`);
}

function problemsOfRule({ match, method }: Rule, hasMethod: (name: string) => boolean): readonly string[] {
  const problems: string[] = [];
  if (!hasMethod(method)) problems.push(`${describe(match)} names ${method}: the class has no such method`);
  if (match.header === undefined && match.payload === undefined && match.topic === undefined) {
    problems.push(`@OnEvent on ${method} matches nothing: give header, payload or topic`);
  }
  return problems;
}

function duplicatesIn(rules: readonly Rule[]): readonly string[] {
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const { match, method } of rules) {
    const key = keyOf(match);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, method);
    else problems.push(`${describe(match)} leads to ${first} and to ${method}: keep one of them`);
  }
  return problems;
}

function keyOf({ header, payload, topic }: Match): string {
  return JSON.stringify([
    header === undefined ? null : [header[0].toLowerCase(), header[1]],
    payload === undefined ? null : [payload[0], String(payload[1])],
    topic ?? null,
  ]);
}

function describe({ header, payload, topic }: Match): string {
  const parts = [
    header === undefined ? '' : `header ${header[0] || '(topicHeader)'}: ${header[1]}`,
    payload === undefined ? '' : `payload ${payload[0]}: ${payload[1]}`,
    topic === undefined ? '' : `topic ${topic}`,
  ].filter(Boolean);
  return parts.length === 0 ? 'a match without conditions' : parts.join(' and ');
}

function pairs<V>(table: Table<V> | undefined): readonly (readonly [string, V])[] {
  if (table === undefined) return [];
  if (table instanceof Map) return [...(table as ReadonlyMap<string, V>)];
  if (Array.isArray(table)) return table as readonly (readonly [string, V])[];
  return Object.entries(table as Readonly<Record<string, V>>);
}
