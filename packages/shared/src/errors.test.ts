import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, reasonOf, WebSubError, type ErrorCode } from './errors.js';

describe('WebSubError', () => {
  it('carries its code, its cause and whether trying again may help', () => {
    const cause = new Error('deep');
    const error = new WebSubError('unreachable', 'the hub does not answer', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'WebSubError', code: 'unreachable', retryable: true, cause });
    expect(String(error)).toBe('WebSubError: the hub does not answer');
  });

  it.each(Object.keys(ERROR_CODES) as ErrorCode[])(
    'takes from the catalogue whether %s is retryable',
    (code) => {
      expect(new WebSubError(code, 'x').retryable).toBe(ERROR_CODES[code].retryable);
    },
  );
});

describe('reasonOf', () => {
  class Hostile extends Error {
    override get message(): string {
      throw new Error('not even this');
    }
  }
  const cyclic = new AggregateError([]);
  cyclic.errors.push(cyclic);
  const unspeakable = {
    toString(): string {
      throw new Error('no');
    },
  };

  it.each([
    [new Error('plain'), 'plain'],
    ['text', 'text'],
    [42, '42'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('s'), 'Symbol(s)'],
    [new TypeError(), 'TypeError'],
    [new AggregateError([new Error('first'), new Error('second')]), 'first'],
    [new AggregateError([new Error('first')], 'own'), 'own'],
    [new AggregateError([]), 'AggregateError'],
    [Object.create(null), 'something was thrown that has no text'],
    [unspeakable, 'something was thrown that has no text'],
    [new Hostile(), 'something was thrown that has no text'],
    [cyclic, 'something was thrown that has no text'],
    [
      new Proxy({}, { getPrototypeOf: () => null, get: () => undefined }),
      'something was thrown that has no text',
    ],
  ])('names a reason for what was thrown (%#)', (thrown: unknown, reason) => {
    expect(reasonOf(thrown)).toBe(reason);
  });

  it('gives text for anything', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withObjectString: true, withBigInt: true }),
        (thrown) => {
          expect(typeof reasonOf(thrown)).toBe('string');
        },
      ),
    );
  });
});
