import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { discover } from '@websub/subscriber';
import { openWorld, Site, type Page } from './world.js';

const HUB = 'https://hub.example/';
const SELF = 'https://publisher.example/feed';
const LINKS = `<${HUB}>; rel="hub", <${SELF}>; rel="self"`;
const HTML = `<!doctype html><html><head><title>Blog</title>
  <link rel="hub" href="${HUB}"><link rel="self" href="${SELF}"></head><body>text</body></html>`;
const ATOM = `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Blog</title>
  <link rel="hub" href="${HUB}"/><link rel="self" href="${SELF}"/><entry/></feed>`;
const RSS = `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Blog</title>
  <link>https://publisher.example/</link>
  <atom:link rel="hub" href="${HUB}"/><atom:link rel="self" href="${SELF}"/><item/></channel></rss>`;

/** What a page at `/` says of itself. */
async function discovered(page: Page, path = '/') {
  await using site = await Site.start();
  site.pages.set(path, page);
  const found = await discover(site.url + path);
  return found;
}

describe('a resource that names its hub', () => {
  it.each([
    ['link-header', { headers: { link: LINKS, 'content-type': 'text/html' }, body: '<p>no links' }],
    ['html', { headers: { 'content-type': 'text/html; charset=utf-8' }, body: HTML }],
    ['atom', { headers: { 'content-type': 'application/atom+xml' }, body: ATOM }],
    ['rss', { headers: { 'content-type': 'application/rss+xml' }, body: RSS }],
  ])('S1 is found by %s', async (via, page) => {
    expect(await discovered(page)).toMatchObject({ via, hubs: [HUB], self: SELF });
  });

  it.each([
    ['atom', ATOM],
    ['rss', RSS],
  ])('S3 is found in %s that is served as text/xml', async (via, body) => {
    expect(await discovered({ headers: { 'content-type': 'text/xml' }, body })).toMatchObject({
      via,
      hubs: [HUB],
      self: SELF,
    });
  });

  it('S2, S3 is found in Link headers first, whatever the body says', async () => {
    const body = ATOM.replace(HUB, 'https://other.example/');
    expect(
      await discovered({ headers: { link: LINKS, 'content-type': 'application/atom+xml' }, body }),
    ).toMatchObject({
      via: 'link-header',
      hubs: [HUB],
    });
  });

  it('S1 is found in the body where the Link headers speak of other things', async () => {
    const headers = { link: '</style.css>; rel="preload"; as="style"', 'content-type': 'text/html' };
    expect(await discovered({ headers, body: HTML })).toMatchObject({ via: 'html', hubs: [HUB], self: SELF });
  });

  it('takes self from the body where the Link headers name only the hub', async () => {
    const headers = { link: `<${HUB}>; rel=hub`, 'content-type': 'application/atom+xml' };
    expect(await discovered({ headers, body: ATOM })).toMatchObject({
      via: 'link-header',
      hubs: [HUB],
      self: SELF,
    });
  });

  it('S4 may name several, which come in order and once each', async () => {
    const link = [
      '<https://one.example/>; rel="hub"',
      `<https://two.example/>; rel="alternate HUB", <https://one.example/>; rel=hub`,
      `<${SELF}>; rel=self`,
    ];
    expect((await discovered({ headers: { link } })).hubs).toEqual([
      'https://one.example/',
      'https://two.example/',
    ]);
  });

  it('may name it by a relative URL', async () => {
    await using site = await Site.start();
    site.pages.set('/blog/feed', { headers: { link: '</hub>; rel=hub, <feed?self=1>; rel=self' } });
    expect(await discover(`${site.url}/blog/feed`)).toMatchObject({
      hubs: [`${site.url}/hub`],
      self: `${site.url}/blog/feed?self=1`,
    });
  });

  it('may name it relative to the base of its page', async () => {
    const body = '<base href="https://p.example/b/"><link rel=hub href=h><link rel=self href="/s">';
    expect(await discovered({ headers: { 'content-type': 'text/html' }, body })).toMatchObject({
      hubs: ['https://p.example/b/h'],
      self: 'https://p.example/s',
    });
  });

  it('S9 names the topic letter for letter', async () => {
    const self = 'https://publisher.example?a=%7e&b=1';
    expect((await discovered({ headers: { link: `<${HUB}>; rel=hub, <${self}>; rel=self` } })).self).toBe(
      self,
    );
  });

  it.each([301, 302, 303, 307, 308])(
    'is found behind a redirect with %s, from whose end relative URLs count',
    async (status) => {
      await using site = await Site.start();
      site.pages.set('/old', { status, headers: { location: '/new/feed' } });
      site.pages.set('/new/feed', { headers: { link: '<hub>; rel=hub' } });
      expect(await discover(`${site.url}/old`)).toMatchObject({
        hubs: [`${site.url}/new/hub`],
        url: `${site.url}/new/feed`,
        self: undefined,
      });
    },
  );

  it('is found at the beginning of a document of any length', async () => {
    const body = ATOM.replace('</feed>', `<entry>${'x'.repeat(3_000_000)}</entry></feed>`);
    expect((await discovered({ headers: { 'content-type': 'application/atom+xml' }, body })).hubs).toEqual([
      HUB,
    ]);
  });

  it('is found in what is compressed though nobody asked for it', async () => {
    const headers = { 'content-type': 'text/html', 'content-encoding': 'gzip' };
    expect((await discovered({ headers, body: gzipSync(HTML) })).hubs).toEqual([HUB]);
  });

  it('S42 does not let text in its body speak for it', async () => {
    const evil = '<link rel="hub" href="https://evil.example/">';
    const body = `<html><head><!-- ${evil} --><script>"${evil}"</script><noscript>${evil}</noscript></head>
      <body><div>${evil}</div><textarea>${evil}</textarea><ul><li>${evil}</li></ul></body></html>`;
    expect(await discovered({ headers: { 'content-type': 'text/html' }, body })).toMatchObject({
      via: 'none',
      hubs: [],
    });
  });

  it('S3 may name it directly in the body', async () => {
    const body = `<html><head></head><body><p>Hi<link rel="hub" href="${HUB}"></body></html>`;
    expect(await discovered({ headers: { 'content-type': 'text/html' }, body })).toMatchObject({
      via: 'html',
      hubs: [HUB],
    });
  });

  it.each(['javascript:alert(1)', 'ftp://hub.example/', 'data:text/plain,x', 'http://', ''])(
    'does not name it by %j',
    async (href) => {
      expect((await discovered({ headers: { link: `<${href}>; rel=hub` } })).hubs).toEqual([]);
    },
  );
});

describe('a request for a resource', () => {
  it('S2 is a GET, and asks for what the options say', async () => {
    await using site = await Site.start();
    site.pages.set('/', { headers: { link: LINKS } });
    await discover(`${site.url}/`, {
      accept: 'text/turtle',
      acceptLanguage: 'de, en',
      http: { headers: { 'x-who': 'me' } },
    });
    expect(site.requests[0]?.method).toBe('GET');
    expect(site.requests[0]?.headers).toMatchObject({
      accept: 'text/turtle',
      'accept-language': 'de, en',
      'accept-encoding': 'identity',
      'x-who': 'me',
      'user-agent': expect.stringContaining('websub-subscriber') as unknown,
    });
  });

  it.each([
    [404, 'discovery_failed', false],
    [403, 'discovery_failed', false],
    [503, 'unreachable', true],
    [429, 'unreachable', true],
  ])('that is answered %s rejects with %s', async (status, code, retryable) => {
    await expect(discovered({ status })).rejects.toMatchObject({ code, retryable });
  });

  it('that is sent in circles rejects', async () => {
    await expect(discovered({ status: 302, headers: { location: '/' } })).rejects.toMatchObject({
      code: 'discovery_failed',
    });
  });

  it('that nobody answers rejects in time', async () => {
    await using site = await Site.start();
    site.pages.set('/', () => undefined);
    await expect(discover(`${site.url}/`, { http: { timeoutMs: 50 } })).rejects.toMatchObject({
      code: 'timeout',
    });
  });

  it.each(['', 'feed', '/feed', 'ftp://p.example/', 'https://user:pw@p.example/'])(
    'for %j rejects at once',
    async (url) => {
      await expect(discover(url)).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );

  it('LAW 9 goes to no private address that is not allowed, with the cure in the message', async () => {
    await using site = await Site.start();
    await expect(discover(`${site.url}/`, { http: { allowPrivateNetworks: false } })).rejects.toMatchObject({
      code: 'forbidden_address',
      message: expect.stringContaining('allowPrivateNetworks: true') as unknown,
    });
    await expect(
      discover('http://169.254.169.254/', { http: { allowPrivateNetworks: true } }),
    ).rejects.toMatchObject({
      code: 'forbidden_address',
    });
    expect(site.requests).toEqual([]);
  });
});

describe('a hostile document', () => {
  const MEGABYTE = 1_048_576;
  const repeated = (unit: string): string => unit.repeat(MEGABYTE / unit.length);

  it.each([
    ['elements that never end', '<div>'],
    ['comments that never end', '<!-- '],
    ['scripts that never end', '<script>'],
    ['attributes that never end', '<link rel="hub '],
    ['tags that never end', '<a '],
    ['crossed elements', '<a><b><i></a></b></i>'],
    ['links', '<link rel="hub" href="https://h.example/">'],
    ['brackets', '<'],
  ])('of a megabyte of %s is read in a moment', async (_, unit) => {
    const startedAt = performance.now();
    await discovered({ headers: { 'content-type': 'text/html' }, body: repeated(unit) });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it.each([
    ['elements', '<a>'],
    ['entities', '&lol;'],
    ['comments', '<!--'],
    ['attributes', ' a="b"'],
  ])('of a megabyte of XML %s is read in a moment', async (_, unit) => {
    const startedAt = performance.now();
    await discovered({ headers: { 'content-type': 'text/xml' }, body: `<rss><channel ${repeated(unit)}` });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('that declares entities upon entities has none of them expanded', async () => {
    const entities = Array.from({ length: 30 }, (_, at) => `<!ENTITY e${at + 1} "&e${at};&e${at};">`).join(
      '',
    );
    const body = `<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY e0 "${HUB}">${entities}]>
      <feed xmlns="http://www.w3.org/2005/Atom"><title>&e30;</title><link rel="hub" href="&e0;"/></feed>`;
    expect(
      (await discovered({ headers: { 'content-type': 'application/atom+xml' }, body })).hubs,
    ).not.toContain(HUB);
  });

  it('that unpacks to a gigabyte counts as empty', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MEGABYTE));
    const headers = { 'content-type': 'text/html', 'content-encoding': 'gzip' };
    expect((await discovered({ headers, body: bomb })).hubs).toEqual([]);
  });

  it('with headers of a megabyte is refused', async () => {
    const link = `<${'x'.repeat(MEGABYTE)}>; rel=hub`;
    await expect(discovered({ headers: { link } })).rejects.toMatchObject({ code: 'discovery_failed' });
  });

  it.each([
    ['half an Atom feed', 'application/atom+xml', ATOM.slice(0, ATOM.indexOf('<entry'))],
    ['Atom without its namespace', 'application/atom+xml', ATOM.replace(/ xmlns="[^"]*"/, '')],
    ['RSS without the namespace of its links', 'text/xml', RSS.replace(/ xmlns:atom="[^"]*"/, '')],
    ['RSS that is served as HTML', 'text/html', RSS],
    ['HTML that is served as XML', 'application/xml', HTML],
    [
      'HTML with upper-case tags and no quotes',
      'text/html',
      `<HEAD><LINK REL=HUB HREF=${HUB}><LINK HREF=${SELF} REL=self>`,
    ],
    ['HTML with a byte order mark', 'text/html', `\ufeff${HTML}`],
    ['HTML of no type at all', 'application/octet-stream', HTML],
  ])('or a careless one, %s, is still understood', async (_, type, body) => {
    expect(await discovered({ headers: { 'content-type': type }, body })).toMatchObject({
      hubs: [HUB],
      self: SELF,
    });
  });

  it('in UTF-16 is understood', async () => {
    const body = Buffer.from(`\ufeff${ATOM}`, 'utf16le');
    expect((await discovered({ headers: { 'content-type': 'application/atom+xml' }, body })).hubs).toEqual([
      HUB,
    ]);
  });
});

describe('subscribing to a resource', () => {
  it('S9 asks the hub for rel=self and not for the URL asked for', async () => {
    await using world = await openWorld();
    const self = `${world.site.url}/feed?self=other`;
    world.site.pages.set('/feed', {
      headers: { link: `<${world.hub.url}>; rel="hub", <${self}>; rel="self"` },
    });
    await world.start({ target: `${world.site.url}/feed` });
    expect(world.hub.requests[0]?.topic).toBe(self);
  });

  it('asks for the URL that answered where the resource names no self', async () => {
    await using world = await openWorld();
    world.site.pages.set('/feed', { status: 302, headers: { location: '/feed?redirect=complete' } });
    world.site.pages.set('/feed?redirect=complete', { headers: { link: `<${world.hub.url}>; rel="hub"` } });
    await world.start({ target: { resource: `${world.site.url}/feed` } });
    expect(world.hub.requests[0]?.topic).toBe(`${world.site.url}/feed?redirect=complete`);
  });

  it('says so where the resource names no hub', async () => {
    await using world = await openWorld();
    world.site.pages.set('/feed', { body: 'hello' });
    const { failed } = await world.start({ target: `${world.site.url}/feed` });
    expect(failed).toMatchObject([
      {
        target: { resource: `${world.site.url}/feed` },
        error: { code: 'discovery_failed', message: expect.stringContaining('names no hub') as unknown },
      },
    ]);
  });
});
