import { WebSubError } from '@websub/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryWith, type SampleFields } from './entry.sample.js';
import { allOf, matches, parseFilter, parseWhere, type Filter } from './filter.js';
import { payloadOf } from './payload.js';

const order: SampleFields = {
  id: 'order-7',
  type: 'order.paid',
  subject: 'Order/7',
  headers: { 'x-kind': 'invoice' },
  body: JSON.stringify({
    state: 'done',
    id: 7,
    paid: true,
    error: null,
    buyer: { name: 'Ann', tags: ['a', 'b'] },
    'a=b': 1,
  }),
};

function outcomeOf(action: () => boolean): string {
  try {
    return String(action());
  } catch (error) {
    return error instanceof WebSubError ? error.code : String(error);
  }
}

function holds(filter: Filter, fields: SampleFields = order): boolean {
  const entry = entryWith(fields);
  return matches(filter, entry, () => payloadOf(entry));
}

describe('where', () => {
  it.each([
    'payload.state=done',
    'payload.id=7',
    'payload.paid=true',
    'payload.error=null',
    'payload.buyer.name=Ann',
    'payload.buyer.tags.1=b',
    'payload.state=in:failed,done',
    'payload.state!=failed',
    'payload.state!=in:failed,open',
    'payload.missing!=x',
    'payload.state^=do',
    'payload.state^=',
    'header.X-Kind=invoice',
    'header.content-type^=application/',
    'type=order.paid',
    'type^=order.',
    'subject=Order/7',
    'subject^=Order/',
    'id=order-7',
    'topic^=https://shop.example/',
  ])('%s holds', (where) => {
    expect(holds(parseWhere(where))).toBe(true);
  });

  it.each([
    'payload.state=Done',
    'payload.state=',
    'payload.state=in:don,one',
    'payload.state!=done',
    'payload.id=07',
    'payload.buyer=Ann',
    'payload.missing=undefined',
    'payload.missing^=',
    'payload.constructor.name=Object',
    'payload.buyer.tags.length=2x',
    'payload.__proto__=x',
    'header.x-other=invoice',
    'type=order',
  ])('%s does not hold', (where) => {
    expect(holds(parseWhere(where))).toBe(false);
  });

  it('holds of the type only where there is one, and of the payload only where it is JSON', () => {
    expect(holds(parseWhere('type=order.paid'), {})).toBe(false);
    expect(holds(parseWhere('payload.state=done'), { ...order, contentType: 'text/plain' })).toBe(false);
  });

  it('keeps everything behind the first sign as the value', () => {
    expect(parseWhere('payload.a=b=c!=d')).toEqual({
      op: 'in',
      path: { of: 'payload', names: ['a'] },
      values: ['b=c!=d'],
    });
  });

  it.each(['', 'payload', '=x', 'payload.=x', 'state=done', 'header.=x', 'subject!x'])(
    '%j is refused',
    (where) => {
      expect(() => parseWhere(where)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    },
  );
});

describe('filter', () => {
  it.each([
    '{"eq":["payload.state","done"]}',
    '{"eq":["payload.id","7"]}',
    '{"eq":["payload.id",7]}',
    '{"ne":["payload.id",8]}',
    '{"in":["payload.id",[6,7]]}',
    '{"prefix":["type","order."]}',
    '{"exists":"payload.error"}',
    '{"exists":["payload.buyer"]}',
    '{"gt":["payload.id",6]}',
    '{"gt":["payload.id",-10]}',
    '{"lt":["payload.id",10]}',
    '{"lt":["payload.state","e"]}',
    '{"not":{"exists":"payload.missing"}}',
    '{"and":[{"eq":["payload.state","done"]},{"or":[{"eq":["type","x"]},{"eq":["id","order-7"]}]}]}',
  ])('%s holds', (filter) => {
    expect(holds(parseFilter(filter))).toBe(true);
  });

  it.each([
    '{"gt":["payload.id",7]}',
    '{"lt":["payload.id",7]}',
    '{"gt":["payload.missing",0]}',
    '{"lt":["payload.missing",0]}',
    '{"exists":"payload.missing"}',
    '{"in":["payload.id",[]]}',
    '{"and":[{"eq":["payload.state","done"]},{"eq":["type","x"]}]}',
    '{"or":[{"eq":["payload.state","x"]},{"eq":["type","x"]}]}',
  ])('%s does not hold', (filter) => {
    expect(holds(parseFilter(filter))).toBe(false);
  });

  it.each([
    'x',
    '1',
    '[]',
    '{}',
    'null',
    '{"eq":["type","a"],"ne":["type","b"]}',
    '{"eq":["type"]}',
    '{"eq":[1,2]}',
    '{"eq":["type",{}]}',
    '{"eq":["state","done"]}',
    '{"in":["type","x"]}',
    '{"and":[]}',
    '{"and":{}}',
    '{"exists":7}',
    '{"matches":["type",".*"]}',
    `{"or":[${Array.from({ length: 32 }, () => '{"exists":"type"}').join(',')}]}`,
    '{"not":{"not":{"not":{"not":{"exists":"type"}}}}}',
    `{"eq":["type","${'x'.repeat(8_192)}"]}`,
  ])('%s is refused', (filter) => {
    expect(() => parseFilter(filter)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  it('whatever is sent is understood or refused with the cure', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(outcomeOf(() => holds(parseFilter(text)))).toMatch(/^(?:true|false|invalid_request)$/);
      }),
    );
  });
});

describe('conditions together', () => {
  it('hold when all of them hold', () => {
    const both = allOf([parseWhere('payload.state=done'), parseWhere('type=order.paid')])!;
    expect(holds(both)).toBe(true);
    expect(holds(both, { ...order, type: 'x' })).toBe(false);
  });

  it('are none when there are none', () => {
    expect(allOf([])).toBeUndefined();
  });
});
