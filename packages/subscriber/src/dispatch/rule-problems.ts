import { isPayloadType } from './payload-type.js';
import { tablesRead, type MarkedMethod, type Match, type Rule } from './rules.js';
import type { DispatchTables } from './tables.js';

const OWN_TABLE = {
  TOPIC_ID_HEADER: 'headerResourceMap',
  TOPIC_ID_PAYLOAD_KEY: 'payloadKeyResourceMap',
  TOPIC_ID_HEADER_AND_PAYLOAD: 'headerAndPayloadKeyResourceMap',
} as const;

/** Sentences about what is wrong with tables and marks, each with its cure; empty when their rules can be used. */
export function problemsOfRules(
  tables: DispatchTables,
  marked: readonly MarkedMethod[],
  rules: readonly Rule[],
  hasMethod: (name: string) => boolean,
): readonly string[] {
  return [
    ...problemsOfTables(tables),
    ...rules.flatMap((rule) => problemsOfRule(rule, hasMethod)),
    ...problemsOfMarks(marked, tables.topicHeader),
    ...duplicatesIn(rules),
  ];
}

function problemsOfTables(tables: DispatchTables): readonly string[] {
  const { topicIdentifier, topicHeader } = tables;
  const problems: string[] = [];
  if (topicIdentifier !== undefined) {
    // Who does not compile may write anything.
    const own = Object.hasOwn(OWN_TABLE, topicIdentifier) ? OWN_TABLE[topicIdentifier] : undefined;
    if (own === undefined)
      problems.push(`topicIdentifier is ${topicIdentifier}: use ${Object.keys(OWN_TABLE).join(', ')}`);
    else if (tables[own] === undefined)
      problems.push(`topicIdentifier is ${topicIdentifier}: give ${own} too`);
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

function problemsOfRule(
  { match, method, type }: Rule,
  hasMethod: (name: string) => boolean,
): readonly string[] {
  const problems: string[] = [];
  const where = describe(match);
  if (method === '') problems.push(`${where} leads to no method: write ['method'] or ['method', Type]`);
  else if (!hasMethod(method)) problems.push(`${where} names ${method}: the class has no such method`);
  if (type !== undefined && !isPayloadType(type)) {
    problems.push(
      `the type of ${method} is neither a class nor a Standard Schema: give one, or leave it out`,
    );
  }
  if (match.header === undefined && match.payload === undefined && match.topic === undefined) {
    problems.push(`@OnEvent on ${method} matches nothing: give header, payload or topic`);
  }
  const name = match.header?.[0];
  if (name !== undefined && name !== '' && !HEADER_NAME.test(name)) {
    problems.push(`${name} is no header name (${method}): use letters, digits and hyphens`);
  }
  return problems;
}

/** A token of RFC 9110; `Headers` throws for anything else. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

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
