import { NetworkPolicy, TestClock, type Resolver } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { validateAll, validateTopicAddress } from './validation.js';

const policy = new NetworkPolicy();
const callback = 'https://c.example/';

function resolverOf(addresses: Readonly<Record<string, readonly string[]>>): Resolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolve: (hostname) => {
      asked.push(hostname);
      const found = addresses[hostname];
      if (found === undefined) return Promise.reject(new Error('no such name'));
      return Promise.resolve(found.map((address) => ({ address, family: 4 })));
    },
  };
}

describe('validateTopicAddress', () => {
  const clock = new TestClock();

  it('LAW 9 refuses a topic whose name leads to forbidden addresses only', async () => {
    const resolver = resolverOf({
      'inside.example': ['10.0.0.1'],
      'both.example': ['10.0.0.1', '93.184.216.34'],
    });
    const validate = validateTopicAddress({ policy, resolver, clock });
    expect(await validate({ topic: 'https://inside.example/feed', callback })).toMatch(/may not connect/);
    expect(await validate({ topic: 'https://both.example/feed', callback })).toBeUndefined();
  });

  it('takes a topic whose name does not resolve: it may be published with content', async () => {
    const validate = validateTopicAddress({ policy, resolver: resolverOf({}), clock });
    expect(await validate({ topic: 'https://nowhere.example/', callback })).toBeUndefined();
  });

  it('makes nobody wait for a name that is slow to resolve', async () => {
    const hanging: Resolver = { resolve: () => new Promise(() => undefined) };
    const validate = validateTopicAddress({ policy, resolver: hanging, clock });
    const answer = validate({ topic: 'https://slow.example/', callback });
    await clock.advance(300);
    expect(await answer).toBeUndefined();
  });

  it('asks once a minute for the same name', async () => {
    const resolver = resolverOf({ 'a.example': ['10.0.0.1'] });
    const validate = validateTopicAddress({ policy, resolver, clock });
    for (const path of ['1', '2', '3']) await validate({ topic: `https://a.example/${path}`, callback });
    expect(resolver.asked).toEqual(['a.example']);
    await clock.advance(60_000);
    await validate({ topic: 'https://a.example/4', callback });
    expect(resolver.asked).toHaveLength(2);
  });
});

describe('validateAll', () => {
  it('gives the first refusal, and asks no further', async () => {
    const asked: string[] = [];
    const check = (name: string, refusal: string | undefined) => () => {
      asked.push(name);
      return Promise.resolve(refusal);
    };
    const validate = validateAll(check('a', undefined), check('b', 'no'), check('c', 'never'));
    expect(await validate({ topic: 'https://t.example/', callback })).toBe('no');
    expect(asked).toEqual(['a', 'b']);
  });
});
