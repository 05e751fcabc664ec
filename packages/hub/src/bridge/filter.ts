import { WebSubError } from '@websub/shared';
import type { Entry } from '../log/log.js';
import type { Payload } from './payload.js';

/** Which entries a reader wants; `undefined` for all. A tree of conditions, checked when it was made. */
export type Filter =
  | { readonly op: 'and' | 'or'; readonly all: readonly Filter[] }
  | { readonly op: 'not'; readonly one: Filter }
  | { readonly op: 'exists'; readonly path: Path }
  | { readonly op: 'in'; readonly path: Path; readonly values: readonly string[] }
  | { readonly op: 'prefix' | 'gt' | 'lt'; readonly path: Path; readonly value: string }
  /** Text that is the same, as other systems compare; nobody can ask for it by `where` or `filter`. */
  | { readonly op: 'is'; readonly path: Path; readonly value: string }
  /** A time that the publisher told, this one or later; as `is`, for other systems only. */
  | { readonly op: 'event-time'; readonly from: number };

/** What is compared: something of the payload by its names, a header, the type, the subject, the id or the topic. */
export type Path =
  | { readonly of: 'payload'; readonly names: readonly string[] }
  | { readonly of: 'header'; readonly name: string }
  | { readonly of: 'type' | 'subject' | 'id' | 'topic' };

const MOST_NODES = 32;
const MOST_DEPTH = 4;
const LONGEST_FILTER = 8_192;

/** All of these. */
export function allOf(filters: readonly Filter[]): Filter | undefined {
  return filters.length > 1 ? { op: 'and', all: filters } : filters[0];
}

/**
 * One `where=`: `payload.a.b=x`, `payload.a!=x`, `payload.a^=x` (begins with), `payload.a=in:x,y`, `header.x-kind=x`, `type=x`,
 * `subject=x`, `id=x`, `topic=x`. Throws `invalid_request`.
 */
export function parseWhere(text: string): Filter {
  const found = /^([^=!^]+)(=|!=|\^=)(.*)$/s.exec(text);
  if (found === null) throw wrong('where is no condition: write where=payload.state=done');
  const [, left = '', sign, right = ''] = found;
  const path = parsePath(left);
  if (sign === '^=') return { op: 'prefix', path, value: right };
  const values = right.startsWith('in:') ? right.slice('in:'.length).split(',') : [right];
  const isOneOf: Filter = { op: 'in', path, values };
  return sign === '!=' ? { op: 'not', one: isOneOf } : isOneOf;
}

/**
 * A `filter=`: JSON such as `{"and":[{"eq":["payload.state","done"]},{"not":{"exists":"payload.error"}}]}`, with the operators eq,
 * ne, in, prefix, exists, gt, lt, and, or, not; at most 32 of them, 4 deep. Throws `invalid_request`.
 */
export function parseFilter(text: string): Filter {
  if (text.length > LONGEST_FILTER)
    throw wrong(`filter is longer than ${LONGEST_FILTER} characters: shorten it`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong('filter is not JSON: write {"eq":["payload.state","done"]}');
  }
  return new FilterReader().read(value, 1);
}

/** Whether the entry is wanted. Scalars are compared as text, so that 1 is "1"; what is not there is nothing, and only `ne` and `not` hold of it. */
export function matches(filter: Filter, entry: Entry, payload: () => Payload): boolean {
  switch (filter.op) {
    case 'and':
      return filter.all.every((one) => matches(one, entry, payload));
    case 'or':
      return filter.all.some((one) => matches(one, entry, payload));
    case 'not':
      return !matches(filter.one, entry, payload);
    case 'exists':
      return valueAt(filter.path, entry, payload) !== undefined;
    case 'is':
      return valueAt(filter.path, entry, payload) === filter.value;
    case 'event-time':
      return entry.eventTime !== undefined && entry.eventTime >= filter.from;
    case 'in': {
      const value = textAt(filter.path, entry, payload);
      return value !== undefined && filter.values.includes(value);
    }
    case 'prefix':
      return textAt(filter.path, entry, payload)?.startsWith(filter.value) ?? false;
    case 'gt':
    case 'lt': {
      const value = textAt(filter.path, entry, payload);
      if (value === undefined) return false;
      const order = compare(value, filter.value);
      return filter.op === 'gt' ? order > 0 : order < 0;
    }
  }
}

class FilterReader {
  #nodes = 0;

  read(value: unknown, depth: number): Filter {
    this.#nodes += 1;
    if (this.#nodes > MOST_NODES || depth > MOST_DEPTH)
      throw wrong(
        `filter has more than ${MOST_NODES} operators or is more than ${MOST_DEPTH} deep: simplify it`,
      );
    const [op, operand, ...others] =
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).flat()
        : [];
    if (typeof op !== 'string' || others.length > 0)
      throw wrong(
        'filter has something that is not {"operator": …} with one operator: write {"eq":["type","done"]}',
      );
    return this.#readOperator(op, operand, depth);
  }

  #readOperator(op: string, operand: unknown, depth: number): Filter {
    switch (op) {
      case 'and':
      case 'or':
        if (!Array.isArray(operand) || operand.length === 0)
          throw wrong(`filter has an "${op}" without a list: write {"${op}":[…]}`);
        return { op, all: operand.map((one) => this.read(one, depth + 1)) };
      case 'not':
        return { op, one: this.read(operand, depth + 1) };
      case 'exists': {
        const path: unknown = Array.isArray(operand) && operand.length === 1 ? operand[0] : operand;
        if (typeof path !== 'string')
          throw wrong('filter has an "exists" without a path: write {"exists":"payload.a"}');
        return { op, path: parsePath(path) };
      }
      case 'in': {
        const { path, value } = pairOf(op, operand);
        if (!Array.isArray(value))
          throw wrong('filter has an "in" without a list: write {"in":["payload.a",["x","y"]]}');
        return { op, path, values: value.map((one) => scalarOf(op, one)) };
      }
      case 'eq':
      case 'ne': {
        const { path, value } = pairOf(op, operand);
        const isEqual: Filter = { op: 'in', path, values: [scalarOf(op, value)] };
        return op === 'eq' ? isEqual : { op: 'not', one: isEqual };
      }
      case 'prefix':
      case 'gt':
      case 'lt': {
        const { path, value } = pairOf(op, operand);
        return { op, path, value: scalarOf(op, value) };
      }
      default:
        throw wrong(
          'filter has an operator that is none of eq, ne, in, prefix, exists, gt, lt, and, or, not: use these',
        );
    }
  }
}

function pairOf(op: string, operand: unknown): { readonly path: Path; readonly value: unknown } {
  const [path, value]: readonly unknown[] = Array.isArray(operand) && operand.length === 2 ? operand : [];
  if (typeof path !== 'string')
    throw wrong(`filter has an "${op}" that is no pair of path and value: write {"${op}":["payload.a", …]}`);
  return { path: parsePath(path), value };
}

function scalarOf(op: string, value: unknown): string {
  const text = textOf(value);
  if (text === undefined)
    throw wrong(
      `filter compares with an object or a list in "${op}": compare with text, a number, true, false or null`,
    );
  return text;
}

function parsePath(text: string): Path {
  if (text === 'type' || text === 'subject' || text === 'id' || text === 'topic') return { of: text };
  const [, of, rest = ''] = /^(payload|header)\.(.+)$/s.exec(text) ?? [];
  if (of === 'payload') return { of, names: rest.split('.') };
  if (of === 'header') return { of, name: rest.toLowerCase() };
  throw wrong(
    'a condition is about none of payload.NAME, header.NAME, type, subject, id and topic: write payload.state=done',
  );
}

function textAt(path: Path, entry: Entry, payload: () => Payload): string | undefined {
  return textOf(valueAt(path, entry, payload));
}

function valueAt(path: Path, entry: Entry, payload: () => Payload): unknown {
  switch (path.of) {
    case 'type':
      return entry.type;
    case 'subject':
      return entry.subject;
    case 'id':
      return entry.id;
    case 'topic':
      return entry.topic;
    case 'header':
      return path.name === 'content-type' ? entry.content.contentType : own(entry.headers, path.name);
    case 'payload': {
      const found = payload();
      return found.kind === 'json' ? path.names.reduce<unknown>(own, found.value) : undefined;
    }
  }
}

/** A name of the object's own: nobody asks for what every object inherits. */
function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}

function textOf(value: unknown): string | undefined {
  if (value === null) return 'null';
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/** As numbers where both are, else as text. */
function compare(one: string, other: string): number {
  const [a, b] = [Number(one), Number(other)];
  if (one.trim() !== '' && other.trim() !== '' && !Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  return one < other ? -1 : one > other ? 1 : 0;
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', sentence);
}
