import type * as DnsPromises from 'node:dns/promises';
import { isIP } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemResolver } from './resolver.js';

const dns = vi.hoisted(() => ({ answer: undefined as (() => Promise<never>) | undefined }));

// The system's own resolver cannot be made to hang.
vi.mock('node:dns/promises', async (original) => {
  const real = await original<typeof DnsPromises>();
  return {
    ...real,
    lookup: (...asked: Parameters<typeof real.lookup>) =>
      dns.answer === undefined ? real.lookup(...asked) : dns.answer(),
  };
});

afterEach(() => {
  vi.useRealTimers();
  dns.answer = undefined;
});

describe('systemResolver', () => {
  it('gives all addresses of localhost', async () => {
    const addresses = await systemResolver.resolve('localhost');
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.every(({ address, family }) => isIP(address) === family)).toBe(true);
  });

  it('says unreachable of a name that has no address, with the cause', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    dns.answer = () => Promise.reject(notFound);
    await expect(systemResolver.resolve('none.invalid')).rejects.toMatchObject({
      code: 'unreachable',
      message: 'none.invalid has no address',
      cause: { code: 'ENOTFOUND' },
    });
  });

  it('gives up after 3 s and leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    dns.answer = () => new Promise(() => {});
    const resolution = systemResolver.resolve('slow.example');
    resolution.catch(() => {});
    vi.advanceTimersByTime(2_999);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1);
    await expect(resolution).rejects.toMatchObject({ code: 'timeout', retryable: true });
    expect(vi.getTimerCount()).toBe(0);
  });
});
