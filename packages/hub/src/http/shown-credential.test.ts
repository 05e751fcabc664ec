import fc from 'fast-check';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Shown } from '../gate/gate.js';
import { shownCredential } from './shown-credential.js';

function shown(headers: Readonly<Record<string, string>>, url = '/', queryToken = false): Shown | undefined {
  // It reads nothing else of a request.
  return shownCredential({ headers, url } as unknown as IncomingMessage, { queryToken });
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

describe('a credential in a request', () => {
  it.each([
    ['as bearer', { authorization: 'Bearer reader.abc' }, 'reader.abc'],
    ['as bearer in other letters', { authorization: 'bEARER  reader.abc ' }, 'reader.abc'],
    ['as the password of anybody', { authorization: basic('shop:reader.abc') }, 'reader.abc'],
    ['as the password of nobody', { authorization: basic(':reader.abc') }, 'reader.abc'],
    ['as a password with a colon', { authorization: basic('shop:a:b') }, 'a:b'],
    ['as x-api-key', { 'x-api-key': 'reader.abc' }, 'reader.abc'],
    ['as a token behind a role', { 'x-api-key': 'tenant.eyJhbGc.eyJ3.s-_g' }, 'eyJhbGc.eyJ3.s-_g'],
    ['as a token alone', { 'x-api-key': 'eyJhbGc.eyJ3.s-_g' }, 'eyJhbGc.eyJ3.s-_g'],
    [
      'as a subprotocol',
      { 'sec-websocket-protocol': 'hub.v1.json, hub.bearer.cmVhZGVyLmFiYw' },
      'reader.abc',
    ],
    ['as a token of AnyCable', { 'sec-websocket-protocol': 'anycable-token.eyJ.eyJ.s' }, 'eyJ.eyJ.s'],
    ['in both headers', { authorization: 'Bearer one', 'x-api-key': 'two' }, 'one'],
    ['beside a scheme that it does not know', { authorization: 'Digest x', 'x-api-key': 'two' }, 'two'],
  ])('is read %s', (_how, headers, text) => {
    expect(shown(headers)).toEqual({ kind: 'secret', text });
  });

  it.each([
    ['nothing', {}, '/'],
    ['an empty header', { authorization: '' }, '/'],
    ['a scheme alone', { authorization: 'Bearer' }, '/'],
    ['two words', { authorization: 'Bearer one two' }, '/'],
    ['Basic without a colon', { authorization: basic('reader.abc') }, '/'],
    ['Basic that is no base64', { authorization: 'Basic %%%' }, '/'],
    ['a key without a scheme', { authorization: 'reader.abc' }, '/'],
    ['an empty x-api-key', { 'x-api-key': '' }, '/'],
    ['a token in the query', {}, '/?token=reader.abc'],
    ['a broken query', {}, '/?%=%&ticke=%ff'],
  ])('is not read from %s', (_what, headers, url) => {
    expect(shown(headers, url)).toBeUndefined();
  });

  it('may be a ticket in the query, and a token there where that is allowed', () => {
    expect(shown({}, '/?hub.mode=publish&ticket=abc')).toEqual({ kind: 'ticket', text: 'abc' });
    expect(shown({}, '/?a=%20&tick%65t=abc')).toEqual({ kind: 'ticket', text: 'abc' });
    expect(shown({}, '/?token=abc', true)).toEqual({ kind: 'secret', text: 'abc' });
    expect(shown({}, '/?token=abc&ticket=def', true)).toEqual({ kind: 'ticket', text: 'def' });
    expect(shown({ 'x-api-key': 'k' }, '/?token=abc&ticket=def', true)).toEqual({
      kind: 'secret',
      text: 'k',
    });
  });
});

it('any headers and address show a credential or none, and nothing is thrown', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(
      'Bearer ',
      'Bearer x',
      'Basic ',
      'Basic Og==',
      'Basic !',
      'hub.bearer.',
      'anycable-token.',
      ',,,',
    ),
  );
  const name = fc.constantFrom('authorization', 'x-api-key', 'sec-websocket-protocol');
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.string(), fc.boolean(), (headers, query, queryToken) => {
      const credential = shown(headers, `/?${query}`, queryToken);
      expect(typeof (credential?.text ?? '')).toBe('string');
    }),
  );
});
