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

/**
 * Makes one list of rules of the tables and of the methods that decorators marked, in the order in which they are tried:
 * by level, then as written. `hasMethod` tells which methods the service has. What is wrong with them is for
 * {@link problemsOfRules}.
 */
export function compileRules(
  tables: DispatchTables,
  marked: readonly MarkedMethod[],
  hasMethod: (name: string) => boolean,
): readonly Rule[] {
  const all = [...rulesOfTables(tables), ...marked.map((mark) => ruleOfMark(mark, tables.topicHeader))];
  const known = tables.partial === true ? all.filter(({ method }) => hasMethod(method)) : all;
  return LEVELS.flatMap((level) => known.filter((rule) => rule.level === level));
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

/** What is no entry becomes a rule that leads to no method, which is a problem of it. */
function ruleFor(match: Match, entry: unknown): Rule {
  const [method, type] = isEntry(entry) ? entry : [''];
  return { level: levelOf(match), match, method, ...(type === undefined ? {} : { type }) };
}

function isEntry(value: unknown): value is Entry {
  return Array.isArray(value) && typeof value[0] === 'string';
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
export function tablesRead({
  topicIdentifier,
}: DispatchTables): Record<'combined' | 'header' | 'payload', boolean> {
  const all = topicIdentifier === undefined || topicIdentifier === 'TOPIC_ID_HEADER_AND_PAYLOAD';
  return {
    combined: all,
    header: all || topicIdentifier === 'TOPIC_ID_HEADER',
    payload: all || topicIdentifier === 'TOPIC_ID_PAYLOAD_KEY',
  };
}

function pairs<V>(table: Table<V> | undefined): readonly (readonly [string, V])[] {
  if (table === undefined || table === null) return [];
  if (table instanceof Map) return [...(table as ReadonlyMap<string, V>)];
  if (Array.isArray(table)) return table as readonly (readonly [string, V])[];
  return Object.entries(table as Readonly<Record<string, V>>);
}
