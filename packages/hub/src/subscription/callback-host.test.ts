import { describe, expect, it } from 'vitest';
import { callbackHost } from './callback-host.js';

describe('callbackHost', () => {
  it.each([
    ['https://a.example.com/x', 'example.com:443'],
    ['https://b.a.example.com/y?z', 'example.com:443'],
    ['http://example.co.uk/', 'example.co.uk:80'],
    ['https://alice.github.io/', 'alice.github.io:443'],
    ['https://bob.github.io:8443/', 'bob.github.io:8443'],
    ['http://127.0.0.1:9000/', '127.0.0.1:9000'],
    ['http://[::1]:9000/', '[::1]:9000'],
    ['http://localhost:3000/', 'localhost:3000'],
    ['http://callback:3000/', 'callback:3000'],
  ])('%s belongs to %s', (callback, host) => {
    expect(callbackHost(callback)).toBe(host);
  });
});
