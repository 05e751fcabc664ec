import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLinkHeader, parseLinkHeader } from './link-header.js';

/** Target and relations of each link, which is what discovery looks at. */
function targets(value: string | readonly string[] | undefined): readonly string[] {
  return parseLinkHeader(value).map(({ href, rels }) => `${rels.join(' ')} ${href}`);
}

describe('parseLinkHeader', () => {
  it.each([
    ['one link', '<http://h/>; rel="hub"', ['hub http://h/']],
    ['no quotes', '<http://h/>; rel=hub', ['hub http://h/']],
    ['no spaces', '<http://h/>;rel=hub,<http://s/>;rel=self', ['hub http://h/', 'self http://s/']],
    [
      'much white space',
      ' \t<http://h/> \t; \trel \t= \t"hub"\t , <http://s/>;rel=self ',
      ['hub http://h/', 'self http://s/'],
    ],
    ['several relations of one link', '<http://h/>; rel="self  hub\tnext"', ['self hub next http://h/']],
    ['relations in capitals', '<http://h/>; REL="HUB Self"', ['hub self http://h/']],
    [
      'a comma in the target',
      '<http://h/a,b>; rel=hub, <http://s/>; rel=self',
      ['hub http://h/a,b', 'self http://s/'],
    ],
    ['a semicolon in the target', '<http://h/a;rel=x>; rel=hub', ['hub http://h/a;rel=x']],
    ['quotes in the target', '<http://h/">; rel=hub', ['hub http://h/"']],
    ['a comma in quotes', '<http://h/>; title="a, <http://evil/>; rel=hub"; rel=self', ['self http://h/']],
    ['a semicolon in quotes', '<http://h/>; title="; rel=hub"; rel=self', ['self http://h/']],
    [
      'an escaped quote',
      '<http://h/>; title="a\\", <http://evil/>; rel=\\"hub"; rel=self',
      ['self http://h/'],
    ],
    [
      'an escaped backslash before the closing quote',
      '<http://h/>; title="a\\\\"; rel=hub',
      ['hub http://h/'],
    ],
    ['escapes in the relation', '<http://h/>; rel="\\h\\u\\b"', ['hub http://h/']],
    [
      'the relation after other parameters',
      '<http://h/>; type="text/html"; hreflang=de; rel=hub',
      ['hub http://h/'],
    ],
    ['a parameter without a value', '<http://h/>; crossorigin; rel=hub', ['hub http://h/']],
    ['an empty parameter', '<http://h/>;; ;rel=hub;', ['hub http://h/']],
    ['empty links between commas', ',, ,<http://h/>; rel=hub,,', ['hub http://h/']],
    ['a relative target', '</feed?x=1>; rel=self', ['self /feed?x=1']],
    ['an empty target', '<>; rel=self', ['self ']],
    ['a target with spaces around', '< http://h/ >; rel=hub', ['hub http://h/']],
    [
      'a relation that is a URL',
      '<http://h/>; rel="https://rel.example/x,y hub"',
      ['https://rel.example/x,y hub http://h/'],
    ],
    ['the first of two relations (section 3.3)', '<http://h/>; rel=self; rel=hub', ['self http://h/']],
    ['a first relation in quotes', '<http://h/>; rel="self"; REL=hub', ['self http://h/']],
    ['a value in title*', "<http://h/>; title*=UTF-8''%e2%82%ac,; rel=hub", []],
    ['no relation', '<http://h/>', []],
    ['an empty relation', '<http://h/>; rel=""', []],
    ['a relation without a value', '<http://h/>; rel', []],
    ['only rev', '<http://h/>; rev=hub', []],
    ['a parameter that ends with rel', '<http://h/>; xrel=hub; rel2=hub', []],
    ['single quotes, which are none', "<http://h/>; rel='hub'", ["'hub' http://h/"]],
    ['an unterminated quote', '<http://h/>; rel="hub', ['hub http://h/']],
    ['a backslash at the end', '<http://h/>; rel="hub\\', ['hub http://h/']],
    [
      'an unterminated quote that swallows a link',
      '<http://h/>; rel=hub; title="x, <http://s/>; rel=self',
      ['hub http://h/'],
    ],
    ['an unterminated target', '<http://h/; rel=hub', []],
    ['a target without brackets', 'http://h/; rel=hub', []],
    ['an equals sign without a name', '<http://h/>; =x; rel=hub', ['hub http://h/']],
    ['an equals sign without a value', '<http://h/>; title=; rel=hub', ['hub http://h/']],
    ['junk after the target', '<http://h/> junk; rel=hub', ['hub http://h/']],
    ['nothing', '', []],
    ['only white space', ' \t ', []],
    ['only signs', '<>;,="\\', []],
  ])('reads %s', (_what, value, expected) => {
    expect(targets(value)).toEqual(expected);
  });

  it.each(['anchor="http://other/"', 'anchor="#part"', 'anchor=""', 'ANCHOR=x', 'anchor'])(
    'leaves out a link with %s, which speaks of another resource',
    (anchor) => {
      expect(targets(`<http://evil/>; rel=hub; ${anchor}, <http://h/>; rel=hub`)).toEqual(['hub http://h/']);
      expect(targets(`<http://evil/>; ${anchor}; rel=hub, <http://h/>; rel=hub`)).toEqual(['hub http://h/']);
    },
  );

  it('reads an absent header as no links', () => {
    expect(parseLinkHeader(undefined)).toEqual([]);
    expect(parseLinkHeader([])).toEqual([]);
  });

  it('reads several headers as one', () => {
    expect(targets(['<http://h/>; rel=hub', '<http://s/>; rel=self, <http://n/>; rel=next'])).toEqual([
      'hub http://h/',
      'self http://s/',
      'next http://n/',
    ]);
  });

  it('gives the other parameters, names in lower case, values as written', () => {
    const [link] = parseLinkHeader('<http://h/>; rel="hub"; Type="Text/HTML"; hreflang=DE; crossorigin');
    expect(link?.params).toEqual({ rel: 'hub', type: 'Text/HTML', hreflang: 'DE', crossorigin: '' });
  });

  it('takes parameters named like members of an object as mere names', () => {
    const [link] = parseLinkHeader('<http://h/>; rel=hub; __proto__=x; constructor=y');
    expect(Object.entries(link?.params ?? {})).toEqual([
      ['rel', 'hub'],
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(Object.getPrototypeOf(link?.params)).toBe(Object.prototype);
  });

  it('keeps 512 links at most', () => {
    expect(parseLinkHeader('<http://h/>; rel=hub, '.repeat(1000))).toHaveLength(512);
  });

  it('finds the hub behind a thousand links of no relation', () => {
    expect(targets(`${'<http://x/>, '.repeat(1000)}<http://h/>; rel=hub`)).toEqual(['hub http://h/']);
  });

  const hostile: readonly (readonly [string, string])[] = [
    ['opening brackets', '<'],
    ['closing brackets', '>'],
    ['empty targets', '<>'],
    ['quotes', '"'],
    ['backslashes', '\\'],
    ['semicolons', ';'],
    ['commas', ','],
    ['spaces', ' '],
    ['links of no relation', '<a>,'],
    ['links with an open quote', '<a>;b="'],
    ['empty parameters', '<a>;='],
    ['parameters', ';a=b'],
    ['escapes', '\\"'],
    ['ordinary characters', 'x'],
  ];

  it.each(hostile)('reads 1.5 MB of %s in linear time', (_what, piece) => {
    const plain = piece.repeat(1_500_000 / piece.length);
    const from = performance.now();
    parseLinkHeader(plain);
    parseLinkHeader(`<a>; rel="${plain}`);
    // Quadratic time would be minutes.
    expect(performance.now() - from).toBeLessThan(3_000);
  });
});

describe('formatLinkHeader', () => {
  it('writes one header with the links in the order given', () => {
    expect(
      formatLinkHeader([
        { href: 'https://p.example/feed?a=1&b=2', rel: 'self' },
        { href: 'https://hub.example/', rel: 'hub' },
      ]),
    ).toBe('<https://p.example/feed?a=1&b=2>; rel="self", <https://hub.example/>; rel="hub"');
  });

  it('leaves every character that RFC 3986 allows as it is', () => {
    const href = "http://[::1]:80/a-._~!$&'()*+,;=:@%2F%20?q=/?#f";
    expect(formatLinkHeader([{ href, rel: 'self' }])).toBe(`<${href}>; rel="self"`);
  });

  it.each([
    ['a line break', 'http://h/\r\nSet-Cookie: a=b', 'http://h/%0D%0ASet-Cookie:%20a=b'],
    [
      'a closing bracket',
      'http://h/>; rel="hub", <http://evil/',
      'http://h/%3E;%20rel=%22hub%22,%20%3Chttp://evil/',
    ],
    ['a quote and a backslash', 'http://h/"\\', 'http://h/%22%5C'],
    ['NUL and DEL', 'http://h/\0\x7f', 'http://h/%00%7F'],
    ['non-ASCII characters', 'http://h/é😀', 'http://h/%C3%A9%F0%9F%98%80'],
    ['half a surrogate pair', 'http://h/\ud800', 'http://h/%EF%BF%BD'],
    ['a line separator', 'http://h/\u2028', 'http://h/%E2%80%A8'],
    ['braces, a bar, a caret and a grave', 'http://h/{|}^`', 'http://h/%7B%7C%7D%5E%60'],
  ])('percent-encodes %s', (_what, href, encoded) => {
    expect(formatLinkHeader([{ href, rel: 'self' }])).toBe(`<${encoded}>; rel="self"`);
  });

  it('keeps a relation inside of its quotes', () => {
    const links = [{ href: 'http://h/', rel: 'hub self"\r\nX: 1, <http://evil/>; rel="hub' }];
    const value = formatLinkHeader(links);
    expect(value).not.toMatch(/[\r\n]/);
    expect(parseLinkHeader(value).map(({ href }) => href)).toEqual(['http://h/']);
    expect(formatLinkHeader([{ href: 'http://h/', rel: 'hub self' }])).toBe('<http://h/>; rel="hub self"');
  });

  it('writes no links as nothing', () => {
    expect(formatLinkHeader([])).toBe('');
  });
});

describe('properties of the Link header', () => {
  const safeHref = fc.webUrl({ withQueryParameters: true, withFragments: true });

  it('every link reads back as it was written', () => {
    const link = fc.record({ href: safeHref, rel: fc.constantFrom('hub', 'self', 'next', 'hub self') });
    fc.assert(
      fc.property(fc.array(link, { maxLength: 20 }), (links) => {
        const read = parseLinkHeader(formatLinkHeader(links));
        expect(read.map(({ href, rels }) => ({ href, rel: rels.join(' ') }))).toEqual(links);
      }),
    );
  });

  it('no href and no relation adds a link, a line or a character outside of ASCII', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('<', '>', '"', ',', ';', '\\', '\r', '\n', '=', 'rel', '\ud800', '%'),
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ href: hostile, rel: hostile }), { maxLength: 5 }), (links) => {
        const value = formatLinkHeader(links);
        expect(value).toMatch(/^[\x20-\x7e]*$/);
        expect(parseLinkHeader(value).length).toBeLessThanOrEqual(links.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('any header is read, never thrown at', () => {
    const signs = fc.string({
      unit: fc.constantFrom(
        '<',
        '>',
        ';',
        ',',
        '=',
        '"',
        '\\',
        ' ',
        '\t',
        'rel',
        'hub',
        'anchor',
        'a',
        '\0',
        'é',
      ),
    });
    fc.assert(
      fc.property(fc.oneof(signs, fc.array(signs), fc.string({ unit: 'binary' })), (value) => {
        for (const link of parseLinkHeader(value)) expect(link.rels.length).toBeGreaterThan(0);
      }),
      { numRuns: 3000 },
    );
  });
});
