import * as whole from 'undici';
import { expect, it } from 'vitest';
import { Agent, buildConnector, errors } from './undici.js';

it('the parts of undici that are loaded are those that it exports', () => {
  expect(Agent).toBe(whole.Agent);
  expect(buildConnector).toBe(whole.buildConnector);
  expect(errors).toBe(whole.errors);
});
