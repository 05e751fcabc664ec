/** One link of RFC 8288: its target as written, its relation types in lower case, and the other parameters. */
export interface Link {
  readonly href: string;
  readonly rels: readonly string[];
  readonly params: Readonly<Record<string, string>>;
}

/** Links read from one response at most; a hostile header cannot make us hold more. */
const MOST_LINKS = 512;

/**
 * Reads `Link` header values (RFC 8288 §3). Links with an `anchor` speak of another resource and are left out, as
 * §3.2 allows. Malformed parts are skipped, never thrown. Takes time linear in the input.
 */
export function parseLinkHeader(value: string | readonly string[] | undefined): readonly Link[] {
  if (value === undefined) return [];
  const text = typeof value === 'string' ? value : value.join(', ');
  const links: Link[] = [];
  let at = 0;
  while (at < text.length && links.length < MOST_LINKS) {
    const open = text.indexOf('<', at);
    if (open < 0) break;
    const close = text.indexOf('>', open);
    if (close < 0) break;
    const { params, end } = readParams(text, close + 1);
    at = end;
    const rels = (params.get('rel') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    if (rels.length > 0 && !params.has('anchor')) {
      links.push({ href: text.slice(open + 1, close).trim(), rels, params: Object.fromEntries(params) });
    }
  }
  return links;
}

/** Reads `;name=value` pairs from `start` to the comma that ends the link; the first of equal names counts (§3). */
function readParams(text: string, start: number): { params: Map<string, string>; end: number } {
  const params = new Map<string, string>();
  const scanner = new Scanner(text, start);
  for (;;) {
    scanner.skipWhitespace();
    const char = scanner.take();
    if (char === '' || char === ',') return { params, end: scanner.at };
    if (char !== ';') continue;
    scanner.skipWhitespace();
    const name = scanner.token().toLowerCase();
    scanner.skipWhitespace();
    const value = scanner.peek() === '=' ? scanner.value() : '';
    if (name !== '' && !params.has(name)) params.set(name, value);
  }
}

class Scanner {
  constructor(
    private readonly text: string,
    public at: number,
  ) {}

  peek(): string {
    return this.text.charAt(this.at);
  }

  take(): string {
    return this.text.charAt(this.at++);
  }

  skipWhitespace(): void {
    while (this.peek() === ' ' || this.peek() === '\t') this.at++;
  }

  token(): string {
    const start = this.at;
    while (this.at < this.text.length && !' \t=;,"<>'.includes(this.peek())) this.at++;
    return this.text.slice(start, this.at);
  }

  value(): string {
    this.take();
    this.skipWhitespace();
    return this.peek() === '"' ? this.quoted() : this.token();
  }

  quoted(): string {
    this.take();
    let value = '';
    while (this.at < this.text.length) {
      const char = this.take();
      if (char === '"') break;
      value += char === '\\' ? this.take() : char;
    }
    return value;
  }
}

/** Writes one combined `Link` value (section 7: hub and self in a single header), in the order given. */
export function formatLinkHeader(links: readonly { readonly href: string; readonly rel: string }[]): string {
  return links.map(({ href, rel }) => `<${linkSpelling(href)}>; rel="${headerSafeRel(rel)}"`).join(', ');
}

/**
 * A URL as a Link header has it: everything that RFC 3986 does not allow in a URL is percent-encoded, so that no href can
 * end the `<…>` or the line. By way of bytes, since `encodeURIComponent` throws on half a surrogate pair.
 */
export function linkSpelling(href: string): string {
  return href.replace(/[^\w\-.~:/?#[\]@!$&'()*+,;=%]/gu, (char) =>
    encodeURIComponent(Buffer.from(char).toString()),
  );
}

/** Relation types are names or URLs with spaces between; encoded like a URL, none can end the quotes or the line. */
function headerSafeRel(rel: string): string {
  return rel.split(' ').map(linkSpelling).join(' ');
}
