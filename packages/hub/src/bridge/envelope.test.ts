import { describe, expect, it } from 'vitest';
import { entryWith } from './entry.sample.js';
import { Envelopes } from './envelope.js';
import { Payloads } from './payload.js';

const envelopes = new Envelopes('k7f2m9qa', new Payloads());

describe('an envelope', () => {
  it('tells everything that is known of an entry, in one line', () => {
    const entry = entryWith({
      id: 'order-7',
      type: 'order.paid',
      subject: 'Order/7',
      headers: { 'x-kind': 'invoice' },
      body: '{\n "id": 7 }',
      position: 10_482,
    });
    const text = envelopes.of(entry);
    expect(text).not.toContain('\n');
    expect(JSON.parse(text)).toEqual({
      cursor: 'k7f2m9qa.10482',
      id: 'order-7',
      topic: 'https://shop.example/orders',
      type: 'order.paid',
      subject: 'Order/7',
      time: '2026-11-21T09:00:00.000Z',
      received_at: '2026-11-21T09:00:00.000Z',
      content_type: 'application/json',
      headers: { 'x-kind': 'invoice' },
      data: { id: 7 },
    });
  });

  it.each([
    ['text/plain', 'a\nb', { data: 'a\nb' }],
    ['application/json', '{"a":', { data: '{"a":' }],
    ['application/json', 'null', { data: null }],
    ['image/png', 'ab', { data_base64: 'YWI=' }],
    ['text/plain', '', { data: '' }],
  ])('of %s %j holds it so that it can be had back', (contentType, body, data) => {
    expect(JSON.parse(envelopes.of(entryWith({ contentType, body })))).toMatchObject(data);
  });

  it('leaves JSON as it is: no number loses digits', () => {
    const body = '{ "id": 12345678901234567890,\n  "price": 1.10 }';
    expect(envelopes.of(entryWith({ body }))).toContain(
      '"data":{ "id": 12345678901234567890,   "price": 1.10 }}',
    );
  });

  it('holds JSON of any encoding, and what a byte order mark is before', () => {
    const utf16 = Buffer.from('\ufeff{"a":"ö"}', 'utf16le');
    const entry = entryWith({ contentType: 'application/json; charset=utf-16le', body: utf16 });
    expect(JSON.parse(envelopes.of(entry))).toMatchObject({ data: { a: 'ö' } });
    const marked = entryWith({ body: '\ufeff{"a":1}' });
    expect(JSON.parse(envelopes.of(marked))).toMatchObject({ data: { a: 1 } });
  });

  it('has no type and no subject when the entry has none', () => {
    const envelope: unknown = JSON.parse(envelopes.of(entryWith({})));
    expect(envelope).not.toHaveProperty('type');
    expect(envelope).not.toHaveProperty('subject');
  });
});
