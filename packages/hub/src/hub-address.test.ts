import { describe, expect, it } from 'vitest';
import { addressBelow } from './hub-address.js';

describe('an address of the hub', () => {
  it.each([
    ['https://hub.example/', 'https://hub.example/v1/sse'],
    ['https://hub.example', 'https://hub.example/v1/sse'],
    ['https://example.com/hub/', 'https://example.com/hub/v1/sse'],
    ['https://example.com/hub', 'https://example.com/hub/v1/sse'],
    ['https://example.com/hub?for=all', 'https://example.com/hub/v1/sse'],
  ])('lies below its public URL: %s', (hubUrl, address) => {
    expect(addressBelow(hubUrl, 'v1/sse').href).toBe(address);
  });
});
