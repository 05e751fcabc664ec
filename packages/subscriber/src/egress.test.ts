import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { candidatesOf } from './lifecycle/candidates.js';
import { Egress, reachFor } from './egress.js';

describe('how far requests for a target may go', () => {
  it.each([
    ['http://127.0.0.1:3000/feed', 'loopback'],
    ['http://localhost/feed', 'loopback'],
    ['http://blog.localhost:8080/', 'loopback'],
    ['http://[::1]/', 'loopback'],
    ['http://2130706433/', 'loopback'],
    ['https://publisher.example/', 'public'],
    ['http://10.0.0.1/', 'public'],
    ['http://localhost.evil.example/', 'public'],
    ['http://127.0.0.1.evil.example/', 'public'],
  ])('is told by what the developer wrote: %s is %s', (written, reach) => {
    expect(reachFor(written, {})).toBe(reach);
  });

  it('is what the options say, if they say it', () => {
    expect(reachFor('http://127.0.0.1/', { allowPrivateNetworks: false })).toBe('public');
    expect(reachFor('https://publisher.example/', { allowPrivateNetworks: true })).toBe('private');
  });

  it('S19 prefers the HTTPS URL of a hub that is advertised as HTTP', () => {
    const hubs = (hub: string): readonly string[] =>
      candidatesOf(
        { hubs: [hub], self: 'https://t.example/', via: 'html', url: 'https://t.example/' },
        'public',
      ).hubs;
    expect(hubs('http://hub.example/x')).toEqual(['https://hub.example/x', 'http://hub.example/x']);
    expect(hubs('https://hub.example/x')).toEqual(['https://hub.example/x']);
    expect(hubs('http://hub.example:8080/')).toEqual(['http://hub.example:8080/']);
    expect(hubs('http://127.0.0.1/')).toEqual(['http://127.0.0.1/']);
  });
});

describe('a client', () => {
  let server: Server;
  let url: string;
  let egress: Egress;
  let asked = 0;

  beforeEach(async () => {
    asked = 0;
    server = createServer((_, response) => {
      asked++;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
    egress = new Egress();
  });

  afterEach(async () => {
    await egress.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const get = { method: 'GET', headers: {}, answer: { kind: 'status' } } as const;

  it('LAW 9 connects to this machine only where its reach says so, also by a name', async () => {
    const local = url.replace('127.0.0.1', 'localhost');
    for (const target of [url, local]) {
      expect(await egress.client('public', {}).send({ ...get, url: target })).toMatchObject({
        reason: 'forbidden-address',
      });
      expect(await egress.client('loopback', {}).send({ ...get, url: target })).toMatchObject({
        status: 200,
      });
    }
    expect(asked).toBe(2);
  });

  it.each(['public', 'loopback', 'private'] as const)(
    'LAW 9 of reach %s never asks for the credentials of a cloud',
    async (reach) => {
      const target = 'http://169.254.169.254/latest/meta-data/';
      expect(await egress.client(reach, {}).send({ ...get, url: target })).toMatchObject({
        reason: 'forbidden-address',
      });
    },
  );

  it('goes through the dispatcher of the options', async () => {
    const origins: unknown[] = [];
    const dispatcher = {
      dispatch(
        options: { origin: unknown },
        handler: { onResponseError?: (controller: unknown, error: Error) => void },
      ) {
        origins.push(options.origin);
        handler.onResponseError?.({ abort: () => undefined }, new Error('by the proxy'));
        return true;
      },
    };
    const client = egress.client('public', { dispatcher });
    expect(egress.client('public', { dispatcher })).toBe(client);
    expect(await client.send({ ...get, url: 'https://hub.example/' })).toMatchObject({
      kind: 'failure',
      detail: 'by the proxy',
    });
    expect(origins).toEqual(['https://hub.example']);
  });
});
