import { URL_LENGTH_LIMIT, WebSubError } from '@websub/shared';

/** A URL Pattern as it was written, and as parts, to be matched without backtracking. */
export interface UrlPattern {
  readonly text: string;
  readonly parts: readonly Part[];
}

/** A fixed text; any text (`*`); or at least one character up to the next of these (`:name`). */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'name'; readonly until: string };

const MOST_WILDCARDS = 16;
const NAME = /^:[\p{ID_Start}$_][\p{ID_Continue}$]*/u;

/**
 * Reads a pattern as the URL Pattern Standard writes them: text, `*` for any characters, `:name` for one segment. Whatever
 * follows the path is free unless the pattern has a query of its own, as in the Standard. Regular expressions, groups and
 * their modifiers are refused: they could be made to take for ever.
 *
 * Throws `invalid_request` with the cure.
 */
export function parseUrlPattern(pattern: string): UrlPattern {
  if (pattern === '*') return { text: pattern, parts: [{ kind: 'any' }] };
  if (Buffer.byteLength(pattern) > URL_LENGTH_LIMIT)
    throw wrong(`is longer than ${URL_LENGTH_LIMIT} bytes: use a shorter one`);
  if (!/^https?:\/\/[^/?#]/i.test(pattern))
    throw wrong('is not absolute: begin with https:// and a host, or write *');
  const [head, query] = splitQuery(pattern);
  const [, origin = '', path = '/*'] = /^(https?:\/\/[^/]*)(\/.*)?$/is.exec(head) ?? [];
  // A name in the host ends at a dot, one in the path at a slash.
  const parts = [...partsOf(origin, './:'), ...partsOf(path, '/?')];
  const whole = query === undefined ? [...parts, OPEN_END] : [...parts, ...partsOf(`?${query}`, '&')];
  if (whole.filter(({ kind }) => kind !== 'text').length > MOST_WILDCARDS)
    throw wrong(`has more than ${MOST_WILDCARDS} wildcards: simplify it`);
  return { text: pattern, parts: whole };
}

/** Whether the topic is one that the pattern names. Linear in both. */
export function matchesPattern({ parts }: UrlPattern, topic: string): boolean {
  // All places in the topic that the parts so far can end at; one step for each part.
  let ends = new Set([0]);
  for (const part of parts) {
    ends = part === OPEN_END ? openEnds(ends, topic) : stepOver(part, ends, topic);
    if (ends.size === 0) return false;
  }
  return ends.has(topic.length);
}

/** The end, or a query. */
const OPEN_END: Part = { kind: 'name', until: '' };

function openEnds(ends: ReadonlySet<number>, topic: string): Set<number> {
  const isOpen = [...ends].some((end) => end === topic.length || topic[end] === '?');
  return new Set(isOpen ? [topic.length] : []);
}

function stepOver(part: Part, ends: ReadonlySet<number>, topic: string): Set<number> {
  const next = new Set<number>();
  if (part.kind === 'text') {
    for (const end of ends) if (topic.startsWith(part.text, end)) next.add(end + part.text.length);
    return next;
  }
  const { stop, least } = part.kind === 'any' ? { stop: '', least: 0 } : { stop: part.until, least: 1 };
  // Each place is looked at once: where one stretch has been, the next need not go.
  let seen = -1;
  for (const end of [...ends].sort((a, b) => a - b)) {
    for (let at = Math.max(end + least, seen + 1); at <= topic.length; at++) {
      if (at > end && stop.includes(topic[at - 1]!)) break;
      next.add(at);
      seen = at;
    }
  }
  return next;
}

/** The query begins at the first `?` that is no modifier of a wildcard. */
function splitQuery(pattern: string): readonly [string, string?] {
  const at = pattern.search(/(?<!\\)\?/);
  if (at < 0) return [pattern];
  if (/[*}]$/.test(pattern.slice(0, at)) || /:\w+$/.test(pattern.slice(0, at))) throw wrong(NO_MODIFIERS);
  return [pattern.slice(0, at), pattern.slice(at + 1)];
}

const NO_MODIFIERS =
  'has a modifier behind a wildcard: write the patterns one by one, and \\? for a question mark';

function partsOf(text: string, until: string): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const name = at > 0 || !until.includes(':') ? NAME.exec(rest)?.[0] : undefined;
    if (name !== undefined && !/^:\d/.test(rest)) {
      parts.push({ kind: 'name', until });
      at += name.length;
    } else if (rest.startsWith('*')) {
      if (/^\*[*+?]/.test(rest)) throw wrong(NO_MODIFIERS);
      parts.push({ kind: 'any' });
      at += 1;
    } else if (/^[(){}]/.test(rest)) {
      throw wrong('has a group or a regular expression: use * and :name, or write the patterns one by one');
    } else {
      const [, escaped, plain] = /^(?:\\(.)|(.))/su.exec(rest)!;
      const char = escaped ?? plain!;
      const last = parts.at(-1);
      if (last?.kind === 'text') parts[parts.length - 1] = { kind: 'text', text: last.text + char };
      else parts.push({ kind: 'text', text: char });
      at += char.length + (escaped === undefined ? 0 : 1);
    }
  }
  return parts;
}

function wrong(sentence: string): WebSubError {
  return new WebSubError('invalid_request', `match_urlpattern ${sentence}`);
}
