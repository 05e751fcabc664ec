import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startClockedHub } from '../support/hub-in-process.js';
import { send } from '../support/http.js';

interface Operation {
  readonly requestBody?: object;
}

it('any JSON to any operation of the API is answered, and never 5xx', async () => {
  const { hub } = await startClockedHub();
  const document = JSON.parse((await send(new URL('/v1/openapi.json', hub.url).href)).text) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const targets = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { requestBody }]) => requestBody !== undefined)
      .map(([method]) => ({ path, method: method.toUpperCase() })),
  );
  expect(targets.length).toBeGreaterThan(3);
  const name = fc.constantFrom(
    'role',
    'read',
    'publish',
    'tenant',
    'name',
    'expires_in',
    'cursor',
    'since',
    'topic',
    'callback',
    'subscription',
    'jti',
    'sub',
    '__proto__',
  );
  const body = fc.oneof(
    fc.json(),
    fc.dictionary(name, fc.jsonValue()).map((members) => JSON.stringify(members)),
  );
  const id = fc.oneof(fc.webPath(), fc.string()).map(encodeURIComponent);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...targets), body, id, async ({ path, method }, text, given) => {
      const url = new URL(path.replaceAll(/\{\w+\}/g, given || 'x'), hub.url);
      const contentType = 'application/json';
      const { status } = await send(url.href, {
        method,
        headers: { 'content-type': contentType },
        body: text,
      });
      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
    }),
    { numRuns: 300 },
  );
});
