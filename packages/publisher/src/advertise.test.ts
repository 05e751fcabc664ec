import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseLinkHeader } from '@websub/shared';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { advertise } from './advertise.js';

const HUB = 'https://hub.example/';
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function linksOf(url: string, init?: RequestInit): Promise<readonly string[]> {
  const response = await fetch(url, init);
  await response.text();
  return parseLinkHeader(response.headers.get('link') ?? undefined).map(
    ({ rels, href }) => `${rels.join(' ')} ${href}`,
  );
}

describe('advertise', () => {
  it('P1 P2 names the hub and the page itself in the Link header', async () => {
    const app = express()
      .use(advertise({ hub: HUB }))
      .get('/feed', (_request, response) => void response.send('feed'));
    const base = await serve(app);
    expect(await linksOf(`${base}/feed?page=2`)).toEqual([`hub ${HUB}`, `self ${base}/feed?page=2`]);
  });

  it('P2 names several hubs and exactly one self, which may be given', async () => {
    const app = express()
      .use(
        advertise({
          hub: [HUB, 'https://two.example/'],
          self: (request) => `https://me.example${request.url}`,
        }),
      )
      .get('/feed', (_request, response) => void response.send('feed'));
    expect(await linksOf(`${await serve(app)}/feed`)).toEqual([
      `hub ${HUB}`,
      'hub https://two.example/',
      'self https://me.example/feed',
    ]);
  });

  it('keeps links that are there already', async () => {
    const middleware = advertise({ hub: HUB, self: 'https://me.example/feed' });
    const base = await serve((request, response) => {
      response.setHeader('Link', '<https://me.example/style.css>; rel="preload"');
      middleware(request, response, () => response.end('feed'));
    });
    expect(await linksOf(base)).toEqual([
      'preload https://me.example/style.css',
      `hub ${HUB}`,
      'self https://me.example/feed',
    ]);
  });

  it('knows the path of a page below a router, and answers HEAD too', async () => {
    const router = express
      .Router()
      .get('/feed', advertise({ hub: HUB }), (_request, response) => void response.send('feed'));
    const base = await serve(express().use('/blog', router));
    expect(await linksOf(`${base}/blog/feed`, { method: 'HEAD' })).toEqual([
      `hub ${HUB}`,
      `self ${base}/blog/feed`,
    ]);
  });

  it('leaves other methods alone, and pages whose self is undefined', async () => {
    const app = express()
      .use(advertise({ hub: HUB, self: () => undefined }))
      .use('/other', advertise({ hub: HUB }))
      .use((_request, response) => void response.send('ok'));
    const base = await serve(app);
    expect(await linksOf(`${base}/feed`)).toEqual([]);
    expect(await linksOf(`${base}/other`, { method: 'POST' })).toEqual([]);
  });

  it('lets nothing in a request break out of the header', async () => {
    const app = express()
      .use(advertise({ hub: HUB }))
      .use((_request, response) => void response.send('ok'));
    const base = await serve(app);
    expect(await linksOf(`${base}/a%3E;rel=hub,%3Chttps:/evil.example/%3E?x="`)).toEqual([
      `hub ${HUB}`,
      `self ${base}/a%3E;rel=hub,%3Chttps:/evil.example/%3E?x=%22`,
    ]);
  });
});
