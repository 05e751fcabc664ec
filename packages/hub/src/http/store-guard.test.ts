import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HubEmitter } from '../events.js';
import { storeGuard } from './store-guard.js';

const guard = storeGuard({ isStalled: () => true, events: new HubEmitter() });
const server = createServer((request, response) => guard(request, response, () => response.end()));
let base: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

describe('while the disk does not answer', () => {
  it.each([
    ['/v1/topics', 'application/problem+json'],
    ['/api/v1/events', 'application/problem+json'],
    ['/', 'text/plain; charset=utf-8'],
    ['/status/v1/', 'text/plain; charset=utf-8'],
  ])('%s is answered 503 at once, as %s', async (path, type) => {
    const answer = await fetch(base + path);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await answer.text()).toContain('try again later');
  });
});
