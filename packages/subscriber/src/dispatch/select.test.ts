import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsePayload } from './parse-payload.js';
import { compileRules } from './rules.js';
import { lookedAt, select } from './select.js';

const rules = compileRules(
  {
    topicHeader: 'X-Event',
    headerAndPayloadKeyResourceMap: { issue: { action: { created: ['onBoth'] } } },
    headerResourceMap: { issue: ['onHeader'] },
    payloadKeyResourceMap: { 'issue.state': { open: ['onOpen'] }, n: { 7: ['onSeven'] } },
  },
  [],
  () => true,
);

it('any body of any type chooses one method or none, and what was looked at can be said', () => {
  const type = fc.constantFrom(
    'application/json',
    'a/b+json',
    'text/plain; charset=nonsense',
    'text/xml; charset=utf-16',
    'application/x-www-form-urlencoded',
    '',
    ';;;',
  );
  const body = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(body, type, fc.option(fc.string(), { nil: undefined }), (raw, contentType, header) => {
      const facts = { topic: 't', payload: parsePayload(raw, contentType), header: () => header };
      const rule = select(rules, facts);
      expect(['onBoth', 'onHeader', 'onOpen', 'onSeven', undefined]).toContain(rule?.method);
      for (const said of lookedAt(rules, facts)) expect(said.length).toBeLessThan(600);
    }),
  );
});
