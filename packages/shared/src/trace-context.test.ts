import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from './random.js';
import { childHeaders, parseTraceContext } from './trace-context.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PARENT = `00-${TRACE}-${SPAN}-01`;

describe('parseTraceContext', () => {
  it.each([
    [PARENT, PARENT],
    [` ${PARENT} `, PARENT],
    [`00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-00`],
    // Flags that nobody has defined are zero in what is passed on.
    [`00-${TRACE}-${SPAN}-ff`, `00-${TRACE}-${SPAN}-03`],
    // A higher version is read as far as it is known.
    [`01-${TRACE}-${SPAN}-01`, PARENT],
    [`cc-${TRACE}-${SPAN}-01-what-comes-next`, PARENT],
  ])('reads %s as %s', (given, expected) => {
    expect(parseTraceContext(given, undefined)).toEqual({ traceparent: expected });
  });

  it.each([
    ['nothing', undefined],
    ['an empty value', ''],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a parent id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['the version ff', `ff-${TRACE}-${SPAN}-01`],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['characters that are not hexadecimal', `00-${TRACE.replace('4', 'g')}-${SPAN}-01`],
    ['more than version 00 has', `${PARENT}-more`],
    ['more without a dash in a higher version', `01-${TRACE}-${SPAN}-01more`],
    ['two values', `${PARENT}, ${PARENT}`],
    ['a line break', `${PARENT}\r\nX: y`],
  ])('takes %s for no context, and the state with it', (_what, given) => {
    expect(parseTraceContext(given, 'a=1')).toBeUndefined();
  });

  it.each([
    ['rojo=00f067aa0ba902b7,congo=t61rcWkgMzE', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    ['fw529a3039@dt=FfAAA; x, , z*/-_=a b', 'fw529a3039@dt=FfAAA; x,z*/-_=a b'],
  ])('passes the state %s on as %s', (given, expected) => {
    expect(parseTraceContext(PARENT, given)).toEqual({ traceparent: PARENT, tracestate: expected });
  });

  it.each([
    ['a member without a value', 'a='],
    ['a member without a key', '=1'],
    ['no member at all', 'garbage'],
    ['an upper-case key', 'A=1'],
    ['a key twice', 'a=1,a=2'],
    ['an equals sign in a value', 'a=1=2'],
    ['a control character', 'a=1\u0001'],
    ['33 members', Array.from({ length: 33 }, (_each, n) => `k${n}=1`).join(',')],
    ['only blanks', ' , '],
  ])('leaves out a state with %s, and keeps the parent', (_what, given) => {
    expect(parseTraceContext(PARENT, given)).toEqual({ traceparent: PARENT });
  });

  it('passes on the first 512 characters of a longer state, in whole members', () => {
    const members = Array.from({ length: 10 }, (_each, n) => `k${n}=${'v'.repeat(100)}`);
    const { tracestate = '' } = parseTraceContext(PARENT, members.join(',')) ?? {};
    expect(tracestate).toBe(members.slice(0, 4).join(','));
  });

  it('never throws, and what it gives is valid again', () => {
    const state = fc.string({ unit: fc.constantFrom('a', '1', '=', ',', ' ', '@', '\t', 'Z') });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constant(PARENT)), state, (traceparent, tracestate) => {
        const context = parseTraceContext(traceparent, tracestate);
        expect(parseTraceContext(context?.traceparent, context?.tracestate)).toEqual(context);
      }),
    );
  });
});

describe('childHeaders', () => {
  const context = { traceparent: PARENT, tracestate: 'a=1' };

  it('are a span of its own in the same trace, each time another', () => {
    const first = childHeaders(context, systemRandom);
    expect(first['tracestate']).toBe('a=1');
    expect(first['traceparent']).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    expect(first['traceparent']).not.toBe(PARENT);
    expect(childHeaders(context, systemRandom)['traceparent']).not.toBe(first['traceparent']);
  });

  it('never have the span id that means none', () => {
    const zeros = { fraction: () => 0, token: () => 'AAAAAAAAAAA' };
    expect(childHeaders(context, zeros)['traceparent']).toBe(`00-${TRACE}-0000000000000001-01`);
  });

  it('are none without a context', () => {
    expect(childHeaders(undefined, systemRandom)).toEqual({});
  });
});
