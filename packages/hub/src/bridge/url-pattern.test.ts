import { WebSubError } from '@websub/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesPattern, parseUrlPattern } from './url-pattern.js';

describe('a URL pattern', () => {
  it.each([
    ['*', 'http://any.example/thing?at=all'],
    ['https://shop.example/orders/*', 'https://shop.example/orders/'],
    ['https://shop.example/orders/*', 'https://shop.example/orders/7/lines'],
    ['https://shop.example/orders/*', 'https://shop.example/orders/7?x=1'],
    ['https://shop.example/orders/:id', 'https://shop.example/orders/7'],
    ['https://shop.example/orders/:id', 'https://shop.example/orders/7?x=1'],
    ['https://shop.example/orders/:id/lines', 'https://shop.example/orders/7/lines'],
    ['https://shop.example/:a-:b', 'https://shop.example/x-y'],
    ['https://shop.example/a*b*c', 'https://shop.example/a-b-b-c'],
    ['https://:tenant.shop.example/', 'https://acme.shop.example/'],
    ['https://*.shop.example/', 'https://a.b.shop.example/'],
    ['https://shop.example:8443/:id', 'https://shop.example:8443/7'],
    ['https://shop.example', 'https://shop.example/anything'],
    ['https://shop.example/feed', 'https://shop.example/feed?page=2'],
    ['https://shop.example/feed?page=*', 'https://shop.example/feed?page=2'],
    ['https://shop.example/feed?page=:n&x=1', 'https://shop.example/feed?page=2&x=1'],
    ['https://shop.example/a\\*', 'https://shop.example/a*'],
    ['https://shop.example/ü*', 'https://shop.example/üx'],
  ])('%s names %s', (pattern, topic) => {
    expect(matchesPattern(parseUrlPattern(pattern), topic)).toBe(true);
  });

  it.each([
    ['https://shop.example/orders/*', 'https://shop.example/orders'],
    ['https://shop.example/orders/*', 'https://shop.example.attacker.example/orders/7'],
    ['https://shop.example/orders/:id', 'https://shop.example/orders/'],
    ['https://shop.example/orders/:id', 'https://shop.example/orders/7/lines'],
    ['https://:tenant.shop.example/', 'https://a.b.shop.example/'],
    ['https://shop.example/feed', 'https://shop.example/feeds'],
    ['https://shop.example/feed?page=*', 'https://shop.example/feed'],
    ['https://shop.example/feed?page=:n&x=1', 'https://shop.example/feed?page=2&y=1&x=1'],
    ['https://shop.example', 'https://shop.example.org/'],
    ['https://shop.example/a\\*', 'https://shop.example/ab'],
  ])('%s does not name %s', (pattern, topic) => {
    expect(matchesPattern(parseUrlPattern(pattern), topic)).toBe(false);
  });

  it.each([
    '',
    'orders/*',
    '/orders/*',
    'https://',
    'ftp://shop.example/*',
    'https://shop.example/(\\d+)',
    'https://shop.example/{a,b}',
    'https://shop.example/:id?',
    'https://shop.example/:id?/x',
    'https://shop.example/**',
    'https://shop.example/*?',
    `https://shop.example/${'*/'.repeat(17)}`,
    `https://shop.example/${'x'.repeat(2_048)}`,
  ])('%s is refused', (pattern) => {
    expect(() => parseUrlPattern(pattern)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('looks at a topic made to be slow no more often than at another', () => {
    const pattern = parseUrlPattern(`https://a.example/${'*a'.repeat(15)}b`);
    expect(matchesPattern(pattern, `https://a.example/${'a'.repeat(2_000)}`)).toBe(false);
  });
});

describe('properties of a URL pattern', () => {
  const sign = fc.constantFrom(
    '*',
    ':',
    '/',
    '.',
    '(',
    ')',
    '{',
    '}',
    '?',
    '+',
    '\\',
    'a',
    'id',
    'https://',
    'x.example',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(sign, { maxLength: 60 }).map((signs) => signs.join('')),
  );

  it('any text is a pattern, or refused with the cure; and what is one answers for any topic', () => {
    fc.assert(
      fc.property(text, text, (written, topic) => {
        const outcome = outcomeOf(() => void matchesPattern(parseUrlPattern(written), topic));
        expect(outcome).toMatch(/^(?:understood|refused)$/);
      }),
    );
  });

  it('a topic is matched by itself, where it holds no sign of patterns', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9/._~-]{0,40}$/), (path) => {
        const topic = `https://shop.example/${path}`;
        expect(matchesPattern(parseUrlPattern(topic), topic)).toBe(true);
      }),
    );
  });
});

/** Whether it was understood, or refused with the cure. */
function outcomeOf(act: () => void): string {
  try {
    act();
    return 'understood';
  } catch (error) {
    return error instanceof WebSubError && /: \S/.test(error.message) ? 'refused' : String(error);
  }
}
