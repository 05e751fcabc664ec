import { WebSubError } from '@websub/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { common, EVERY_TOPIC, NO_TOPIC, topicScope, union } from './topic-scope.js';

const SHOP = 'https://shop.example/';

describe('a topic scope', () => {
  it.each([
    ['*', 'https://any.example/thing', true],
    [`${SHOP}orders`, `${SHOP}orders`, true],
    [`${SHOP}orders`, `${SHOP}orders/7`, false],
    [`${SHOP}orders`, `${SHOP}Orders`, false],
    [`${SHOP}*`, SHOP, true],
    [`${SHOP}*`, `${SHOP}orders/7?state=paid`, true],
    [`${SHOP}*`, 'http://shop.example/orders', false],
    [`${SHOP}*`, 'https://shop.example', false],
    [`${SHOP}*`, 'https://shop.example.attacker.example/', false],
    [`${SHOP}*`, 'https://attacker.example/https://shop.example/', false],
    [`${SHOP}orders/*/state`, `${SHOP}orders/7/state`, true],
    [`${SHOP}orders/*/state`, `${SHOP}orders/7/8/state`, true],
    [`${SHOP}orders/*/state`, `${SHOP}orders/state`, false],
    [`${SHOP}orders/*/state`, `${SHOP}orders/7/state/now`, false],
    [`${SHOP}a*a`, `${SHOP}a`, false],
    [`${SHOP}a*a`, `${SHOP}aa`, true],
    [`${SHOP}feed?tag=*&page=*`, `${SHOP}feed?tag=new&page=2`, true],
    [`${SHOP}(.+)/*`, `${SHOP}xyz/1`, false],
    ['https://ünï.example/*', 'https://ünï.example/ä', true],
  ])('%s and the topic %s: %s', (pattern, topic, expected) => {
    const scope = topicScope([pattern], 'publish');
    expect(scope.includes(topic)).toBe(expected);
    // Also when it is remembered.
    expect(scope.includes(topic)).toBe(expected);
  });

  it.each(['..', '.', '%2e%2e', '%2E.', '../secret', '..?x=1', 'a/..\\secret'])(
    'has no wildcard for a path that leads elsewhere when it is fetched: %s',
    (path) => {
      const topic = `${SHOP}orders/${path}`;
      expect(topicScope([`${SHOP}orders/*`], 'read').includes(topic)).toBe(false);
      expect(topicScope([topic], 'read').includes(topic)).toBe(true);
    },
  );

  it('of several patterns includes what any of them names, and of none nothing', () => {
    const scope = topicScope([`${SHOP}orders`, `${SHOP}news/*`], 'publish');
    expect([`${SHOP}orders`, `${SHOP}news/1`, `${SHOP}prices`].map((topic) => scope.includes(topic))).toEqual(
      [true, true, false],
    );
    expect(topicScope([], 'publish')).toBe(NO_TOPIC);
    expect(topicScope([`${SHOP}x`, '*'], 'publish')).toBe(EVERY_TOPIC);
  });

  it.each([
    ['https://shop.example*'],
    ['https://*.example/'],
    ['https://user@*/'],
    ['https://shop.example:*/'],
    ['https*://shop.example/'],
    ['**'],
    ['shop.example/*'],
    ['ftp://shop.example/*'],
    ['javascript:alert(1)'],
    ['https://shop.example/a b*'],
    [''],
    [`${SHOP}*********`],
    [`${SHOP}${'x'.repeat(2_048)}*`],
  ])('refuses the pattern %j, naming the field', (pattern) => {
    expect(() => topicScope([pattern], 'publish')).toThrow(WebSubError);
    expect(() => topicScope([pattern], 'publish')).toThrow(/^publish /);
  });

  it('refuses more than 100 patterns', () => {
    const patterns = Array.from({ length: 101 }, (_, index) => `${SHOP}${index}`);
    expect(() => topicScope(patterns, 'read')).toThrow(/^read has more than 100 patterns/);
    expect(() => topicScope(patterns.slice(1), 'read')).not.toThrow();
  });

  it('matches as the same pattern does as a regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '?', 'é'), maxLength: 8 });
    const pattern = fc.array(text, { minLength: 2, maxLength: 5 }).map((parts) => parts.join('*'));
    fc.assert(
      fc.property(pattern, text, (rest, path) => {
        const literal = rest.split('*').map((part) => part.replace(/[/?]/g, '\\$&'));
        const expected = new RegExp(`^${literal.join('.*')}$`).test(path);
        expect(topicScope([`${SHOP}${rest}`], 'read').includes(`${SHOP}${path}`)).toBe(expected);
      }),
    );
  });

  it('answers for hostile topics in no time', () => {
    const scope = topicScope([`${SHOP}${'a*'.repeat(8)}b`], 'read');
    const started = performance.now();
    for (let index = 0; index < 1_000; index++) scope.includes(`${SHOP}${'a'.repeat(1_900)}${index}`);
    // A pattern that backtracks would take centuries.
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('scopes together', () => {
  const orders = topicScope([`${SHOP}orders/*`], 'read');
  const seven = topicScope([`${SHOP}*/7`], 'read');

  it('have in common what both include', () => {
    const both = common(orders, seven);
    expect(
      [`${SHOP}orders/7`, `${SHOP}orders/8`, `${SHOP}news/7`].map((topic) => both.includes(topic)),
    ).toEqual([true, false, false]);
    expect(common(orders, EVERY_TOPIC)).toBe(orders);
    expect(common(EVERY_TOPIC, orders)).toBe(orders);
    expect(common(orders, NO_TOPIC).includes(`${SHOP}orders/7`)).toBe(false);
  });

  it('include together what either includes', () => {
    const either = union(orders, seven);
    expect(
      [`${SHOP}orders/8`, `${SHOP}news/7`, `${SHOP}news/8`].map((topic) => either.includes(topic)),
    ).toEqual([true, true, false]);
    expect(union(orders, NO_TOPIC)).toBe(orders);
    expect(union(orders, EVERY_TOPIC)).toBe(EVERY_TOPIC);
  });
});
