import { expect, inject, it } from 'vitest';
import { observe } from './fixture.js';

declare module 'vitest' {
  interface ProvidedContext {
    observed: unknown;
  }
}

it('does what it does under every compiler', async () => {
  expect(await observe()).toEqual(inject('observed'));
});
