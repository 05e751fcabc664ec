/** What a document names, as `discover` is to find it. */
export interface Expected {
  readonly via: 'html' | 'atom' | 'rss' | 'none';
  readonly hubs: readonly string[];
  readonly self?: string;
}

export interface Sample {
  readonly name: string;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly expected: Expected;
}

export const HUB = 'https://hub.example/';
export const SELF = 'https://publisher.example/feed?a=1&b=2';
const OTHER_HUB = 'https://second.example/hub';
const EVIL =
  '<link rel="hub" href="https://evil.example/"><link rel="self" href="https://evil.example/self">';

const HTML = 'text/html; charset=utf-8';
const ATOM = 'application/atom+xml';
const RSS = 'application/rss+xml';

const NONE: Expected = { via: 'none', hubs: [] };
const named = (
  via: Expected['via'],
  hubs: readonly string[] = [HUB],
  self: string | null = SELF,
): Expected => (self === null ? { via, hubs } : { via, hubs, self });

const inHtml = SELF.replace('&', '&amp;');
const links = (open = '<link', close = '>'): string =>
  `${open} rel="hub" href="${HUB}"${close}\n${open} rel="self" href="${inHtml}"${close}\n`;
const page = (head: string, body = '<p>Hello', doctype = '<!DOCTYPE html>'): string =>
  `${doctype}\n<html lang="en"><head><meta name="viewport" content="width=device-width"><title>A & B</title>\n${head}</head>\n<body>${body}</body></html>`;

const HTML4 =
  '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">';
const XHTML =
  '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">';

/** Pages whose links are to be found. */
const pages: Readonly<Record<string, string>> = {
  'HTML 5': page(links()),
  'HTML 4.01 Transitional': page(links(), '<p>Hello', HTML4),
  'XHTML 1.0': page(links('<link', ' />'), '<p>Hello</p>', XHTML),
  'links closed without a space': page(links('<link', '/>')),
  'upper case': page(
    links().toUpperCase().replace(HUB.toUpperCase(), HUB).replace(inHtml.toUpperCase(), inHtml),
  ),
  'mixed case of the relation': page(links().replace('"hub"', '"Hub"').replace('"self"', '"SELF"')),
  'single quotes': page(links().replaceAll('"', "'")),
  'no quotes': page(`<link rel=hub href=${HUB}><link rel=self href=${inHtml}>`),
  'no quotes and a slash at the end': page(`<link rel=hub href=${HUB} /><link rel=self href=${inHtml} />`),
  'spaces around the equals signs': page(links().replaceAll('="', ' = "')),
  'a line break within the tag': page(links().replaceAll(' href', '\n\t href')),
  'attributes the other way round': page(
    `<link href="${HUB}" type="text/html" rel="hub"><link href="${inHtml}" rel="self" title="a > b">`,
  ),
  'several relation types in one link': page(
    `<link rel="hub" href="${HUB}"><link rel="canonical  self\nbookmark" href="${inHtml}">`,
  ),
  'an ampersand that is not escaped': page(links().replace('&amp;', '&')),
  'numeric references': page(links().replace('&amp;', '&#38;').replace('https:', 'https&#x3A;')),
  'spaces around the URL': page(links().replaceAll('href="', 'href=" \n').replaceAll('">', ' ">')),
  'no head and no body': `<!doctype html><title>T</title>${links()}<p>text`,
  'no doctype': page(links(), '<p>Hello', ''),
  'a head that is not closed': `<!doctype html><html><head><title>T</title>${links()}<body><p>text`,
  'paragraphs that are not closed': page('', `<p>one<p>two<ul><li>a<li>b</ul>${links()}`),
  'links at the end of the body': page('', `<div><p>text</p></div>${links()}`),
  'links after the head': `<!doctype html><html><head><title>T</title></head>${links()}<body></body></html>`,
  'comments before it': page(`<!-- ${EVIL} -->\n<!---->\n<!-->\n<!-- a -- b -->${links()}`),
  'a licence of many lines before it': `<!--\n${'All rights reserved. <html> <rss> <feed>\n'.repeat(200)}-->\n${page(links())}`,
  'conditional comments': page(
    `<!--[if lt IE 9]>${EVIL}<![endif]-->\n<!--[if !IE]><!-->${links()}<!--<![endif]-->`,
  ),
  'scripts that write markup': page(
    `<script>document.write('${EVIL}<div>'); if (a < b && c > d) {}</script>${links()}`,
  ),
  'a script whose text looks like an end': page(`<script>var a = "<\\/script>${EVIL}";</script>${links()}`),
  'JSON-LD': page(`<script type="application/ld+json">{"a":"<div><link rel=hub>"}</script>${links()}`),
  'a style sheet with selectors': page(`<style>a > b { content: "<div>" }</style>${links()}`),
  'a title with markup': page(
    `<title><div> & <link rel="hub" href="https://evil.example/"></title>${links()}`,
  ),
  'a noscript with an image': page(`<noscript><img src="x"></noscript>${links()}`),
  'an svg before it': page('', `<svg><title>x</title><g><path d="M0"/></g></svg>${links()}`),
  'a template before it': page('', `<template>${EVIL}</template>${links()}`),
  'a text area before it': page('', `<textarea>${EVIL}</textarea>${links()}`),
  'many other links': page(
    `${'<link rel="stylesheet" href="/a.css"><link rel="preload" as="font" href="/f">'.repeat(300)}${links()}`,
  ),
  'a base for relative links': page(
    '<base href="https://hub.example/x/"><link rel="hub" href="../"><link rel="self" href="//publisher.example/feed?a=1&amp;b=2">',
  ),
  'a base without a slash at the end': page(
    `<base href="https://hub.example"><link rel="hub" href="/"><link rel="self" href="${inHtml}">`,
  ),
  'attributes that hold brackets': page(`<meta name="x" content="a > b < c">${links()}`),
  'a stray end tag': page(`</div></p></section>${links()}`),
  'PHP warnings before it': `<br />\n<b>Warning</b>: include() failed in <b>x.php</b><br />\n${page(links())}`,
  'an empty attribute': page(
    `<link rel="hub" href="${HUB}" crossorigin><link disabled rel="self" href="${inHtml}">`,
  ),
  'the same attribute twice': page(
    `<link rel="hub" href="${HUB}" href="https://evil.example/"><link rel="self" href="${inHtml}">`,
  ),
  'Windows line ends': page(links()).replaceAll('\n', '\r\n'),
  'no line ends': page(links()).replaceAll('\n', ''),
  'hundreds of kilobytes of text after it': page(links(), '<p>lorem ipsum'.repeat(20_000)),
  'hundreds of kilobytes of style before it': page(`<style>${'a{b:c}'.repeat(60_000)}</style>${links()}`),
};

const ENTRY = `<entry><title>One</title><link rel="hub" href="https://evil.example/"/><link rel="self" href="https://evil.example/self"/><id>urn:1</id><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">${links('<link', '/>')}</div></content></entry>`;
const atom = (head: string, tail = '', root = 'xmlns="http://www.w3.org/2005/Atom"'): string =>
  `<?xml version="1.0" encoding="utf-8"?>\n<feed ${root}>\n<title>A feed</title><id>urn:x</id>\n${head}${ENTRY}${tail}</feed>`;
const atomLinks = links('<link', '/>');

const atoms: Readonly<Record<string, string>> = {
  'Atom 1.0': atom(atomLinks),
  'Atom 1.0 without a declaration': atom(atomLinks).replace(/^<\?.*\?>\n/, ''),
  'Atom 0.3': atom(atomLinks, '', 'version="0.3" xmlns="http://purl.org/atom/ns#"'),
  'Atom with a prefix': atom(atomLinks, '', 'xmlns:a="http://www.w3.org/2005/Atom"')
    .replace(/<(\/?)(feed|entry|link|title|id)\b/g, '<$1a:$2')
    .replace(/<a:link (rel="\w+" href="https:\/\/evil)/g, '<a:link $1'),
  'Atom 0.3 with a prefix': atom(atomLinks, '', 'xmlns:at="http://purl.org/atom/ns#"').replace(
    /<(\/?)(feed|entry|link|title|id)\b/g,
    '<$1at:$2',
  ),
  'Atom without a namespace': atom(atomLinks, '', 'lang="en"'),
  'Atom with other namespaces': atom(
    atomLinks,
    '',
    'xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" xmlns:thr="http://purl.org/syndication/thread/1.0" xml:lang="en-US"',
  ),
  'Atom whose links have end tags': atom(atomLinks.replaceAll('/>', '></link>')),
  'Atom with single quotes': atom(atomLinks.replaceAll('"', "'")),
  'Atom with a style sheet': atom(atomLinks).replace(
    '?>\n',
    '?>\n<?xml-stylesheet href="/a.xsl" type="text/xsl"?>\n',
  ),
  'Atom with a doctype and entities': atom(`<rights>&copy; &mdash; &nbsp;</rights>${atomLinks}`).replace(
    '?>\n',
    '?>\n<!DOCTYPE feed [<!ENTITY copy "(c)"><!ENTITY nbsp "&#160;">]>\n',
  ),
  'Atom with HTML entities that nobody declared': atom(`<rights>&copy;&nbsp;me</rights>${atomLinks}`),
  'Atom with ampersands that are not escaped': atom(`<subtitle>Q & A, AT&T</subtitle>${atomLinks}`),
  'Atom with an ampersand that is not escaped in the link': atom(atomLinks.replace('&amp;', '&')),
  'Atom with markup in CDATA': atom(`<subtitle><![CDATA[${EVIL}]]></subtitle>${atomLinks}`),
  'Atom with comments': atom(`<!-- ${EVIL} -->${atomLinks}`),
  'Atom with a comment before the root': atom(atomLinks).replace('?>\n', '?>\n<!-- <html> <rss> -->\n'),
  'Atom with an author before the links': atom(
    `<author><name>Me</name><link rel="hub" href="https://evil.example/"/></author>${atomLinks}`,
  ),
  'Atom with links after the entries': atom('', atomLinks),
  'Atom with links after hundreds of entries': atom('', `${ENTRY.repeat(300)}${atomLinks}`),
  'Atom with a base': atom(
    '<link rel="hub" href="../"/><link rel="self" href="//publisher.example/feed?a=1&amp;b=2"/>',
    '',
    'xmlns="http://www.w3.org/2005/Atom" xml:base="https://hub.example/x/"',
  ),
  'Atom with bases in each other': atom(
    `<link rel="hub" href="." xml:base="../"/>${links('<link', '/>').split('\n')[1] ?? ''}`,
    '',
    'xmlns="http://www.w3.org/2005/Atom" xml:base="https://hub.example/x/"',
  ),
  'Atom with white space before the declaration': `\n  ${atom(atomLinks)}`,
  'Atom with a warning before it': `<br />\n<b>Notice</b>: Undefined index in <b>feed.php</b><br />\n${atom(atomLinks)}`,
  'Atom that is cut off': atom(atomLinks).slice(0, -100),
  'Atom with a tag that is not closed': atom(`<title>a<b>b</title>${atomLinks}`),
  'Atom with an attribute without quotes': atom(`<generator version=1>x</generator>${atomLinks}`),
  'Atom with a control character': atom(`<subtitle>\u0001\u000b</subtitle>${atomLinks}`),
  'Atom of a megabyte': atom(atomLinks, ENTRY.repeat(1_500)),
};

const rss = (
  head: string,
  { version = '2.0', xmlns = ' xmlns:atom="http://www.w3.org/2005/Atom"', tail = '' } = {},
): string =>
  `<?xml version="1.0"?>\n<rss version="${version}"${xmlns}><channel><title>News</title><link>https://publisher.example/</link><description>All &amp; more</description>\n${head}<item><title>One</title><link>https://publisher.example/1</link><atom:link rel="hub" href="https://evil.example/"/></item>${tail}</channel></rss>`;
const rssLinks = links('<atom:link', '/>');

const feeds: Readonly<Record<string, string>> = {
  'RSS 2.0': rss(rssLinks),
  'RSS 0.91': rss(rssLinks, { version: '0.91' }).replace(
    '?>\n',
    '?>\n<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">\n',
  ),
  'RSS 0.92': rss(rssLinks, { version: '0.92' }),
  'RSS 2.0 with another prefix': rss(links('<a10:link', '/>'), {
    xmlns: ' xmlns:a10="http://www.w3.org/2005/Atom"',
  }),
  'RSS 2.0 with a prefix of its own': rss(links('<x:link', '/>'), {
    xmlns: ' xmlns:x="http://www.w3.org/2005/Atom"',
  }),
  'RSS 2.0 whose namespace stands at the links': rss(
    links('<atom:link xmlns:atom="http://www.w3.org/2005/Atom"', '/>'),
    { xmlns: '' },
  ),
  'RSS 2.0 with links of the default namespace': rss(
    links('<link xmlns="http://www.w3.org/2005/Atom"', '/>'),
  ),
  'RSS 2.0 that declares no namespace': rss(rssLinks, { xmlns: '' }),
  'RSS 2.0 with many namespaces': rss(rssLinks, {
    xmlns:
      ' xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"',
  }),
  'RSS 2.0 with links after the items': rss('', { tail: rssLinks }),
  'RSS 2.0 with an image before the links': rss(
    `<image><url>https://a.example/i</url><atom:link rel="hub" href="https://evil.example/"/></image>${rssLinks}`,
  ),
  'RSS 2.0 with CDATA': rss(
    `<copyright><![CDATA[<atom:link rel="hub" href="https://evil.example/"/>]]></copyright>${rssLinks}`,
  ),
  'RSS 2.0 in upper case': rss(rssLinks).replace(
    /<(\/?)(rss|channel)/g,
    (_, slash: string, name: string) => `<${slash}${name.toUpperCase()}`,
  ),
  'RSS 2.0 that is cut off': rss(rssLinks).slice(0, -60),
  'RSS 2.0 with HTML entities': rss(`<copyright>&copy; &ndash;</copyright>${rssLinks}`),
  'RSS 2.0 with a bare ampersand': rss(`<webMaster>Q&A</webMaster>${rssLinks}`),
  'RSS 1.0': `<?xml version="1.0"?>
    <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:atom="http://www.w3.org/2005/Atom">
    <channel rdf:about="https://publisher.example/"><title>T</title><link>https://publisher.example/</link>
    <items><rdf:Seq><rdf:li resource="https://publisher.example/1"/></rdf:Seq></items>${rssLinks}</channel>
    <item rdf:about="https://publisher.example/1"><atom:link rel="hub" href="https://evil.example/"/></item></rdf:RDF>`,
  'RSS 0.90': `<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">
    <channel><title>T</title>${links('<atom:link xmlns:atom="http://www.w3.org/2005/Atom"', '/>')}</channel></rdf:RDF>`,
};

const byName = (
  table: Readonly<Record<string, string>>,
  type: string,
  expected: Expected,
): readonly Sample[] => Object.entries(table).map(([name, body]) => ({ name, type, body, expected }));

/** What says nothing, though parts of it look as if it did. */
const silent: readonly Sample[] = [
  ['a page without links', HTML, page('')],
  ['an empty document', HTML, ''],
  ['white space', HTML, ' \n '],
  ['a page with links in a comment that never ends', HTML, `<html><head><!-- ${EVIL}`],
  ['a page with links in comments of readers', HTML, page('', `<div class="comment">${EVIL}</div>`)],
  ['a page with links in a list', HTML, page('', `<ul><li>${EVIL}</li></ul>`)],
  ['a page with links in a table', HTML, page('', `<table><tr><td>${EVIL}</td></tr></table>`)],
  ['a page with links in an iframe', HTML, page('', `<iframe srcdoc='${EVIL}'>${EVIL}</iframe>`)],
  ['a page with links in a noscript', HTML, page(`<noscript>${EVIL}</noscript>`)],
  ['a page with links in CDATA', 'application/xhtml+xml', page(`<![CDATA[ ${EVIL} ]]>`, '<p/>', XHTML)],
  ['a page with links in an attribute', HTML, page(`<meta content='${EVIL}'>`)],
  ['a page with anchors', HTML, page('', `<a rel="hub" href="https://evil.example/">hub</a>`)],
  ['a page with a link without href', HTML, page('<link rel="hub">')],
  ['a page with a link to no web address', HTML, page('<link rel="hub" href="javascript:alert(1)">')],
  [
    'a page with other relations',
    HTML,
    page('<link rel="github" href="https://evil.example/"><link rel="x-hub" href="https://evil.example/">'),
  ],
  ['an Atom feed without links', ATOM, atom('')],
  ['an RSS feed without links', RSS, rss('')],
  ['an RSS feed whose link elements are its own', RSS, rss(`<link rel="hub" href="https://evil.example/"/>`)],
  [
    'an Atom feed with links of another namespace',
    ATOM,
    atom(
      links('<x:link', '/>').replace('<x:link', '<x:link xmlns:x="urn:x"'),
      '',
      'xmlns="http://www.w3.org/2005/Atom" xmlns:x="urn:x"',
    ),
  ],
  ['other XML', 'application/xml', `<?xml version="1.0"?><opml><body>${links('<link', '/>')}</body></opml>`],
  ['JSON that quotes a page', 'application/json', JSON.stringify({ html: EVIL })],
  ['plain text that quotes a link', 'text/plain', EVIL],
  ['an image', 'image/png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0])],
].map(([name, type, body]) => ({ name, type, body, expected: NONE }) as Sample);

/** The same documents, as servers label, mark and encode them. */
function variants({ name, type, body, expected }: Sample): readonly Sample[] {
  const text = String(body);
  const declared = text.replace(/encoding="utf-8"/i, 'encoding="utf-16"');
  const marked = (encoding: 'utf16le' | 'utf8'): Buffer => Buffer.from(`\ufeff${declared}`, encoding);
  const big = marked('utf16le').swap16();
  const bare = type.replace(/;.*/, '');
  return [
    { name, type, body, expected },
    { name: `${name}, with a byte order mark`, type: bare, body: marked('utf8'), expected },
    { name: `${name}, in UTF-16`, type: bare, body: marked('utf16le'), expected },
    { name: `${name}, in big-endian UTF-16`, type: bare, body: big, expected },
    {
      name: `${name}, in UTF-16 that only the media type tells`,
      type: `${bare}; charset="UTF-16LE"`,
      body: Buffer.from(declared, 'utf16le'),
      expected,
    },
    ...(bare === 'text/html'
      ? []
      : [{ name: `${name}, served as text/xml`, type: 'text/xml; charset=us-ascii', body, expected }]),
  ];
}

/** Letters that only the right encoding gets right. */
const IRI = 'https://publisher.example/café/Œuvres';
const encoded: readonly Sample[] = [
  [
    'a page in ISO-8859-1 that the media type tells',
    'text/html; charset=ISO-8859-1',
    'latin1',
    'https://publisher.example/café',
    '',
  ],
  [
    'a page in ISO-8859-1 that it tells itself',
    'text/html',
    'latin1',
    'https://publisher.example/café',
    '<meta charset="iso-8859-1">',
  ],
  [
    'a page in ISO-8859-1 by http-equiv',
    'text/html',
    'latin1',
    'https://publisher.example/café',
    '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">',
  ],
  ['a page in UTF-8 that does not say so', 'text/html', 'utf8', IRI, ''],
  ['a page in a charset that nobody knows', 'text/html; charset=x-no-such', 'utf8', IRI, ''],
].map(([name, type, encoding, self, meta]) => ({
  name: name ?? '',
  type: type ?? '',
  body: Buffer.from(
    page(`${meta}<link rel="hub" href="${HUB}"><link rel="self" href="${self}">`),
    encoding as BufferEncoding,
  ),
  expected: named('html', [HUB], new URL(self ?? '').href),
}));

const windows1252 = Buffer.concat([
  Buffer.from(
    `<?xml version="1.0" encoding="windows-1252"?><feed xmlns="http://www.w3.org/2005/Atom"><link rel="hub" href="${HUB}"/><link rel="self" href="https://publisher.example/`,
  ),
  Buffer.from([0x8c]),
  Buffer.from('uvres"/></feed>'),
]);

/** What the links themselves are like. */
const targets: readonly Sample[] = [
  {
    name: 'a page with two hubs, in order',
    type: HTML,
    body: page(`<link rel="hub" href="${HUB}"><link rel="hub" href="${OTHER_HUB}">${links()}`),
    expected: named('html', [HUB, OTHER_HUB]),
  },
  {
    name: 'a feed with two hubs, in order',
    type: ATOM,
    body: atom(`<link rel="hub" href="${OTHER_HUB}"/>${atomLinks}`),
    expected: named('atom', [OTHER_HUB, HUB]),
  },
  {
    name: 'a page that names only the hub',
    type: HTML,
    body: page(`<link rel="hub" href="${HUB}">`),
    expected: named('html', [HUB], null),
  },
  {
    name: 'a page that names only itself',
    type: HTML,
    body: page(`<link rel="self" href="${inHtml}">`),
    expected: { via: 'none', hubs: [], self: SELF },
  },
  {
    name: 'a feed that names itself twice',
    type: ATOM,
    body: atom(`${atomLinks}<link rel="self" href="https://publisher.example/other"/>`),
    expected: named('atom'),
  },
  {
    name: 'a link with a fragment',
    type: HTML,
    body: page(links().replace(inHtml, `${inHtml}#top`)),
    expected: named('html'),
  },
  {
    name: 'one link that is hub and self',
    type: HTML,
    body: page(`<link rel="self hub" href="${HUB}">`),
    expected: named('html', [HUB], HUB),
  },
  {
    name: 'a line break within the URL',
    type: HTML,
    body: page(links().replace('hub.example', 'hub.\nexample')),
    expected: named('html'),
  },
  {
    name: 'a feed in windows-1252',
    type: ATOM,
    body: windows1252,
    expected: named('atom', [HUB], 'https://publisher.example/%C5%92uvres'),
  },
];

export const corpus: readonly Sample[] = [
  ...byName(pages, HTML, named('html')).flatMap(variants),
  ...byName(atoms, ATOM, named('atom')).flatMap(variants),
  ...byName(feeds, RSS, named('rss')).flatMap(variants),
  ...silent,
  ...encoded,
  ...targets,
];
