import { parse } from 'node-html-parser';
import type { FoundLink } from './discovery.js';

/** Elements whose content is text or belongs to somebody else; a link inside is none of the page's. */
const OPAQUE = new Set([
  'iframe',
  'math',
  'noembed',
  'noframes',
  'noscript',
  'script',
  'select',
  'style',
  'svg',
  'template',
  'textarea',
  'title',
  'xmp',
]);
/** Elements that may stand open at no cost: void ones, those whose end tag may be left out, and the page's own. */
const NOT_CONTAINERS = new Set(
  (
    'html head body area base br col embed hr img input link meta param source track wbr ' +
    'p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rb rt rp'
  ).split(' '),
);

const MOST_LINKS = 256;
const LONGEST_TAG = 4_096;

/**
 * The link elements that stand directly in the head or body of a page (section 4, appendix A). Deeper in the body is
 * where other people's text is, such as comments; their links do not speak for the page (section 8.1).
 */
export function linksOfHtml(html: string): readonly FoundLink[] {
  // The parser's time grows with the square of unclosed elements and comments (11 s for 256 KiB of "<div>"), so it is
  // given the few tags that matter and never the page.
  const root = parse(cutTags(html).join(''), { comment: false });
  const base = root.querySelector('base[href]')?.getAttribute('href');
  return root.querySelectorAll('link[rel][href]').map((link) => ({
    rels: (link.getAttribute('rel') ?? '').toLowerCase().split(/\s+/).filter(Boolean),
    href: link.getAttribute('href') ?? '',
    ...(base === undefined ? {} : { base }),
  }));
}

/** The `<link>` and `<base>` tags that stand in no container. Takes time linear in the page's length. */
export function cutTags(html: string): readonly string[] {
  const tags: string[] = [];
  let depth = 0;
  let at = html.indexOf('<');
  while (at >= 0 && tags.length < MOST_LINKS) {
    if (html.startsWith('<!', at) || html.startsWith('<?', at)) {
      at = afterDeclaration(html, at);
      continue;
    }
    const tag = readTagName(html, at);
    if (tag === undefined) {
      at = html.indexOf('<', at + 1);
      continue;
    }
    const end = tagEnd(html, at);
    if (end < 0) break;
    const whole = html[end - 2] === '/';
    let after = end;
    if (tag.closing) depth -= depth > 0 && isContainer(tag.name) ? 1 : 0;
    else if (tag.name === 'link' || tag.name === 'base') {
      const text = html.slice(at, Math.min(end, at + LONGEST_TAG));
      // The slash at the end of a value without quotes is the value's, which the parser does not know.
      if (depth === 0 && /hub|self|^<base/i.test(text)) tags.push(text.replace(/\/>$/, '/ >'));
    } else if (OPAQUE.has(tag.name)) after = whole ? end : skipContent(html, tag.name, end);
    else if (isContainer(tag.name) && !whole) depth++;
    at = html.indexOf('<', after);
  }
  return tags;
}

function isContainer(name: string): boolean {
  return !NOT_CONTAINERS.has(name) && !OPAQUE.has(name);
}

function readTagName(
  html: string,
  at: number,
): { readonly name: string; readonly closing: boolean } | undefined {
  const closing = html[at + 1] === '/';
  const start = at + (closing ? 2 : 1);
  // Names are short; a longer run of letters is cut, which makes it the name of nothing.
  const name = /^[a-z][a-z0-9:-]*/i.exec(html.slice(start, start + 32))?.[0];
  return name === undefined ? undefined : { name: name.toLowerCase(), closing };
}

/** The position after the `>` that ends the tag at `at`; quoted values may hold others. -1 when it never ends. */
function tagEnd(html: string, at: number): number {
  let quote = '';
  let before = '';
  for (let position = at + 1; position < html.length; position++) {
    const char = html.charAt(position);
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '>') {
      return position + 1;
    } else if ((char === '"' || char === "'") && before === '=') {
      quote = char;
    }
    if (!/\s/.test(char)) before = char;
  }
  return -1;
}

/** The position at which the end tag of an opaque element begins, or the page's end. */
function skipContent(html: string, name: string, from: number): number {
  const endTag = new RegExp(`</${name}[\\s/>]`, 'gi');
  endTag.lastIndex = from;
  return endTag.exec(html)?.index ?? html.length;
}

/** The position of the next `<` after the comment, CDATA section or declaration at `at`; -1 when it never ends. */
function afterDeclaration(html: string, at: number): number {
  // An empty comment may be as short as `<!-->`.
  if (html.startsWith('<!--', at)) return nextTag(html, '-->', at + 2);
  return html.startsWith('<![CDATA[', at) ? nextTag(html, ']]>', at) : nextTag(html, '>', at);
}

function nextTag(html: string, mark: string, from: number): number {
  const end = html.indexOf(mark, from);
  return end < 0 ? -1 : html.indexOf('<', end + mark.length);
}
