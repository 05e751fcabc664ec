import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonMember, onOneLine } from './json-member.js';

it.each([
  ['{"session":{"status":"ACTIVE"}}', '{"status":"ACTIVE"}'],
  ['{ "event" : "x" , "session" : { "a" : [1, {"session": 2}] } , "z": 1 }', '{ "a" : [1, {"session": 2}] }'],
  ['{"session":12345678901234567890}', '12345678901234567890'],
  ['{"a":"\\"session\\":1","session":"},]\\\\"}', '"},]\\\\"'],
  ['{"session":1,"session":2}', '2'],
  ['{"s\\u0065ssion":null}', 'null'],
  ['{"a":{"session":1}}', undefined],
  ['[{"session":1}]', undefined],
  ['"session"', undefined],
])('the member of %s is %s', (json, member) => {
  expect(jsonMember(json, 'session')).toBe(member);
});

it('finds in any object what JSON.parse finds there', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      fc.nat(3),
      (others, session, indent) => {
        const object = { ...others, session };
        const text = jsonMember(JSON.stringify(object, undefined, indent), 'session');
        expect(JSON.parse(text ?? 'nothing')).toEqual(JSON.parse(JSON.stringify(session)));
      },
    ),
  );
});

it('puts JSON on one line without changing what it says', () => {
  const value = { text: 'a\nb\r', list: [1, 2] };
  const line = onOneLine(JSON.stringify(value, undefined, 2));
  expect(line).not.toMatch(/[\r\n]/);
  expect(JSON.parse(line)).toEqual(value);
});
