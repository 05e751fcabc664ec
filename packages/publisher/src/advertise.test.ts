import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseLinkHeader } from '@websub/shared';
import { advertise, type AdvertiseOptions, type PageRequest } from './advertise.js';

const page: PageRequest = {
  method: 'GET',
  url: '/feed?page=1',
  headers: { host: 'publisher.example' },
  socket: {},
};

/** The Link header that a page gets. */
function linkOf(
  options: AdvertiseOptions,
  request: PageRequest = page,
  before?: string | string[],
): string | undefined {
  const headers = new Map<string, string | string[]>();
  if (before !== undefined) headers.set('Link', before);
  const response = {
    getHeader: (name: string) => headers.get(name),
    setHeader: (name: string, value: string | string[]) => headers.set(name, value),
  };
  advertise(options)(request, response, (error) => {
    if (error !== undefined) throw error as Error;
  });
  const link = headers.get('Link');
  return Array.isArray(link) ? link.join(', ') : link;
}

describe('advertise', () => {
  it('P1, P2 names the hub and exactly one self', () => {
    const link = linkOf({ hub: 'https://hub.example/', self: 'https://publisher.example/feed' });
    expect(link).toBe('<https://hub.example/>; rel="hub", <https://publisher.example/feed>; rel="self"');
  });

  it('P2 names every hub', () => {
    const link = linkOf({ hub: ['https://one.example/', 'https://two.example/'] });
    const hubs = parseLinkHeader(link).filter(({ rels }) => rels.includes('hub'));
    expect(hubs.map(({ href }) => href)).toEqual(['https://one.example/', 'https://two.example/']);
  });

  it('P6 lets a page choose its canonical URL by the request', () => {
    const self = ({ headers }: PageRequest): string =>
      `https://publisher.example/feed.${String(headers['accept'])}`;
    const link = linkOf({ hub: 'https://hub.example/', self }, { ...page, headers: { accept: 'atom' } });
    expect(link).toContain('<https://publisher.example/feed.atom>; rel="self"');
  });

  it('takes the URL of the request for the canonical one when none is given', () => {
    expect(linkOf({ hub: 'https://hub.example/' })).toContain(
      '<http://publisher.example/feed?page=1>; rel="self"',
    );
    const behindProxy = { ...page, protocol: 'https', originalUrl: '/blog/feed' };
    expect(linkOf({ hub: 'https://hub.example/' }, behindProxy)).toContain(
      '<https://publisher.example/blog/feed>',
    );
    const tls = { ...page, socket: { encrypted: true } };
    expect(linkOf({ hub: 'https://hub.example/' }, tls)).toContain('<https://publisher.example/feed?page=1>');
  });

  it.each(['evil.example/x?', 'a b', 'user@evil.example', '"><script>'])(
    'advertises nothing for the host %s, which no URL can be made of',
    (host) => {
      expect(linkOf({ hub: 'https://hub.example/' }, { ...page, headers: { host } })).toBeUndefined();
    },
  );

  it('keeps the links that are there', () => {
    const before = '</style.css>; rel="preload"';
    expect(linkOf({ hub: 'https://hub.example/' }, page, before)).toMatch(
      /^<\/style\.css>; rel="preload", <https:/,
    );
    expect(linkOf({ hub: 'https://hub.example/' }, page, [before, before])?.split('preload')).toHaveLength(3);
  });

  it('leaves other requests alone', () => {
    expect(linkOf({ hub: 'https://hub.example/' }, { ...page, method: 'POST' })).toBeUndefined();
    expect(linkOf({ hub: 'https://hub.example/' }, { ...page, method: 'HEAD' })).toBeDefined();
  });

  it('lets no URL end the header', () => {
    const link = linkOf({
      hub: 'https://hub.example/',
      self: () => 'https://p.example/>; rel="hub", <https://evil/\r\n',
    });
    expect(link).not.toMatch(/[\r\n]/);
    expect(parseLinkHeader(link)).toHaveLength(2);
  });

  it('hands a failure of self to the app', () => {
    const self = (): string => {
      throw new Error('no such page');
    };
    expect(() => linkOf({ hub: 'https://hub.example/', self })).toThrow('self: no such page');
  });

  it.each([[{ hub: [] }], [{ hub: 'hub.example' }], [{ hub: 'https://hub.example/', self: '/feed' }]])(
    'refuses %j at once',
    (options) => {
      expect(() => advertise(options)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    },
  );
});

describe('advertise in an express app', () => {
  it('P6 gives each page below a router its own self, and leaves the page as it was', async () => {
    const app = express();
    const pages = express.Router();
    pages.get('/:name', (request, response) => {
      response.links({ next: 'https://publisher.example/next' }).send(`page ${request.params.name}`);
    });
    app.use('/blog', advertise({ hub: 'https://hub.example/' }), pages);
    const server = app.listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/blog/one?draft=1`;

    const answer = await fetch(url);

    expect(await answer.text()).toBe('page one');
    const links = parseLinkHeader(answer.headers.get('link') ?? undefined);
    expect(links.map(({ href, rels }) => [rels.join(' '), href])).toEqual([
      ['hub', 'https://hub.example/'],
      ['self', url],
      ['next', 'https://publisher.example/next'],
    ]);
  });
});
