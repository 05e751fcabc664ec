import { describe, expect, it } from 'vitest';
import { DOCUMENT_LIMIT, linksOfText } from './document.js';

const LINK = '<link rel="hub" href="https://h.example/"/>';

/** Beginnings, what is repeated after them, and the media type. */
const shapes: Readonly<Record<string, readonly [start: string, unit: string, type: string]>> = {
  'a page of text': ['<html><body>', '<p>lorem ipsum <a href="/x">dolor</a>', 'text/html'],
  'a page of links': ['<html><head>', '<link rel="stylesheet" href="/hub.css">', 'text/html'],
  'a page of open elements': ['<html>', '<div>', 'text/html'],
  'a page of crossed elements': ['<html>', '<a><b></a></b>', 'text/html'],
  'a page of brackets': ['<html>', '<', 'text/html'],
  'a page of declarations': ['<html>', '<!x ', 'text/html'],
  'a page of comments': ['<html>', '<!-- a -->', 'text/html'],
  'a page of CDATA': ['<html>', '<![CDATA[ ', 'text/html'],
  'a page of quotes': ['<html><a ', 'b="c\' ', 'text/html'],
  'a page of scripts': ['<html>', '<script>a</script>', 'text/html'],
  'a page of style sheets that never end': ['<html>', '<style>', 'text/html'],
  'a page of bases': ['<html>', '<base href="x">', 'text/html'],
  'an Atom feed': [
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    '<entry><title>a</title></entry>',
    'text/xml',
  ],
  'an RSS feed': ['<rss><channel>', '<item><title>a &amp; b</title></item>', 'text/xml'],
  'a feed of open elements': ['<rss><channel>', '<a>', 'text/xml'],
  'a feed of namespaces': ['<rss><channel>', '<x:a xmlns:x="urn:x"/>', 'text/xml'],
  'a feed of entities': ['<rss><channel>', '&nbsp;&a', 'text/xml'],
  'a feed of faults': ['<rss><channel>', '<a b=c></d>', 'text/xml'],
  'a feed of attributes': ['<rss><channel ', 'a="b" ', 'text/xml'],
  'a feed of its own links': ['<rss><channel>', LINK, 'text/xml'],
  'a prolog that never ends': ['', '<?x ?><!-- -->', 'text/xml'],
};

/** Milliseconds of this process at work, the least of three times: what others do on the machine does not count. */
async function workOf(text: string, type: string): Promise<number> {
  let least = Infinity;
  for (let time = 0; time < 3; time++) {
    const before = process.cpuUsage();
    await linksOfText(text, type);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

describe('the links of a document', () => {
  it.each(Object.entries(shapes))(
    'LAW 7 of %s cost time linear in its length',
    async (_, [start, unit, type]) => {
      const text = (length: number): string => start + unit.repeat(Math.ceil(length / unit.length));
      const small = await workOf(text(DOCUMENT_LIMIT / 16), type);
      const large = await workOf(text(DOCUMENT_LIMIT), type);
      // 16 times the length; the square of that would be 256. A few milliseconds are the noise of small figures.
      expect(large).toBeLessThan(64 * Math.max(small, 2));
    },
  );
});
