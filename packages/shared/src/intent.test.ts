import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intentUrl, isSafeChallenge, parseIntentQuery, type IntentQuery } from './intent.js';

const TOPIC = 'https://publisher.example/feed?a=1&b=2';
const SUBSCRIBE: IntentQuery = { mode: 'subscribe', topic: TOPIC, challenge: 'abc_-9', leaseSeconds: 600 };
const ENCODED_TOPIC = 'https%3A%2F%2Fpublisher.example%2Ffeed%3Fa%3D1%26b%3D2';
const QUERY = `hub.mode=subscribe&hub.topic=${ENCODED_TOPIC}&hub.challenge=abc_-9&hub.lease_seconds=600`;

function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(url.slice(url.indexOf('?') + 1));
}

describe('intentUrl', () => {
  it.each([
    ['no query', 'https://s.example/cb', '?'],
    ['a host only', 'https://s.example', '?'],
    ['a query', 'https://s.example/cb?id=1', '&'],
    ['a trailing ?', 'https://s.example/cb?', ''],
    ['a trailing &', 'https://s.example/cb?id=1&', ''],
    ['only ?&', 'https://s.example/cb?&', ''],
    ['two question marks', 'https://s.example/cb?a=b?c', '&'],
    ['a second ? at the end', 'https://s.example/cb?a=?', '&'],
    ['an & in the path', 'https://s.example/a&', '?'],
    ['%20 and +', 'https://s.example/a%20b+c?q=%20+%2B', '&'],
    ['lower-case and needless escapes', 'https://s.example/%7euser?x=%c3%a9&y=%41', '&'],
    ['characters that URL would encode', 'https://s.example/é?q="x"<y>|{z}', '&'],
    ['dot segments and a default port', 'HTTPS://S.Example:443/a/../b', '?'],
    ['a value without a name, and no value', 'https://s.example/cb?=x&y&z=', '&'],
    ['a semicolon', 'https://s.example/cb?a=1;b=2', '&'],
  ])('keeps a callback with %s byte for byte', (_what, callback, separator) => {
    expect(intentUrl(callback, SUBSCRIBE)).toBe(`${callback}${separator}${QUERY}`);
  });

  it("leaves the callback's own hub.* parameters in place, before ours (H15)", () => {
    const callback = 'https://s.example/cb?hub.mode=x&hub.challenge=mine&hub.topic=y';
    const url = intentUrl(callback, SUBSCRIBE);
    expect(url).toBe(`${callback}&${QUERY}`);
    expect(queryOf(url).getAll('hub.challenge')).toEqual(['mine', 'abc_-9']);
  });

  it('writes a denial with and without a reason', () => {
    expect(intentUrl('https://s.example/cb', { mode: 'denied', topic: 'http://t.example/' })).toBe(
      'https://s.example/cb?hub.mode=denied&hub.topic=http%3A%2F%2Ft.example%2F',
    );
    const url = intentUrl('https://s.example/cb', {
      mode: 'denied',
      topic: 'http://t.example/',
      reason: 'no\r\nX: 1 & <b>',
    });
    expect(queryOf(url).get('hub.reason')).toBe('no\r\nX: 1 & <b>');
    expect(url).not.toMatch(/[\r\n<> ]/);
  });

  it('writes no lease for an unsubscription that has none', () => {
    const url = intentUrl('https://s.example/cb', { mode: 'unsubscribe', topic: TOPIC, challenge: 'c' });
    expect(queryOf(url).has('hub.lease_seconds')).toBe(false);
  });

  it('echoes the token of PubSubHubbub 0.4', () => {
    const url = intentUrl('https://s.example/cb', { ...SUBSCRIBE, verifyToken: 't & k' });
    expect(queryOf(url).get('hub.verify_token')).toBe('t & k');
  });
});

describe('parseIntentQuery', () => {
  it('reads a verification', () => {
    expect(parseIntentQuery(new URLSearchParams(QUERY))).toEqual(SUBSCRIBE);
  });

  it("takes the last value of each name, which is the hub's", () => {
    const own = 'hub.mode=denied&hub.topic=x&hub.challenge=evil&hub.lease_seconds=1';
    expect(parseIntentQuery(new URLSearchParams(`${own}&${QUERY}`))).toEqual(SUBSCRIBE);
  });

  it('ignores the lease of an unsubscription (S27)', () => {
    const query = 'hub.mode=unsubscribe&hub.topic=http://t.example/&hub.challenge=c&hub.lease_seconds=7';
    expect(parseIntentQuery(new URLSearchParams(query))).toEqual({
      mode: 'unsubscribe',
      topic: 'http://t.example/',
      challenge: 'c',
    });
  });

  it('reads a denial, with a reason or without', () => {
    expect(parseIntentQuery(new URLSearchParams('hub.mode=denied&hub.topic=t'))).toEqual({
      mode: 'denied',
      topic: 't',
    });
    expect(parseIntentQuery(new URLSearchParams('hub.mode=denied&hub.topic=t&hub.reason=why'))).toEqual({
      mode: 'denied',
      topic: 't',
      reason: 'why',
    });
  });

  it.each(['', 'abc', '-1', '1.5', '1e3', ' 1', '0x1'])('leaves out the lease %j', (lease) => {
    const params = new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.topic': 't', 'hub.challenge': 'c' });
    params.set('hub.lease_seconds', lease);
    expect(parseIntentQuery(params)).toEqual({ mode: 'subscribe', topic: 't', challenge: 'c' });
  });

  it('reads a lease of any number of digits as the largest exact integer', () => {
    const params = new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.topic': 't', 'hub.challenge': 'c' });
    params.set('hub.lease_seconds', '9'.repeat(400));
    expect(parseIntentQuery(params)).toMatchObject({ leaseSeconds: Number.MAX_SAFE_INTEGER });
  });

  it.each([
    ['nothing', ''],
    ['no topic', 'hub.mode=subscribe&hub.challenge=c'],
    ['no challenge', 'hub.mode=subscribe&hub.topic=t'],
    ['no mode', 'hub.topic=t&hub.challenge=c'],
    ['a mode that no hub sends', 'hub.mode=publish&hub.topic=t&hub.challenge=c'],
    ['a mode in capitals', 'hub.mode=SUBSCRIBE&hub.topic=t&hub.challenge=c'],
    ['a denial without a topic', 'hub.mode=denied'],
    ['a mode with the name of a prototype member', 'hub.mode=toString&hub.topic=t&hub.challenge=c'],
  ])('finds no intent in a query with %s', (_what, query) => {
    expect(parseIntentQuery(new URLSearchParams(query))).toBeUndefined();
  });
});

describe('isSafeChallenge', () => {
  it.each(['a', '0', 'A-z_0~.', 'x'.repeat(512)])('takes %s', (challenge) => {
    expect(isSafeChallenge(challenge)).toBe(true);
  });

  it.each([
    '',
    'x'.repeat(513),
    '<b>',
    'a b',
    'a\n',
    '\na',
    'a\r',
    'a\0',
    'é',
    'a+b',
    'a/b',
    'a=',
    'a%41',
    '"',
    "'",
    'ａ',
  ])('refuses %j', (challenge) => {
    expect(isSafeChallenge(challenge)).toBe(false);
  });
});

const text = fc.string({ unit: 'binary', maxLength: 60 });
const intent: fc.Arbitrary<IntentQuery> = fc.oneof(
  fc.record(
    {
      mode: fc.constant('subscribe' as const),
      topic: text,
      challenge: text,
      leaseSeconds: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      verifyToken: text,
    },
    { requiredKeys: ['mode', 'topic', 'challenge'] },
  ),
  fc.record(
    { mode: fc.constant('unsubscribe' as const), topic: text, challenge: text, verifyToken: text },
    { requiredKeys: ['mode', 'topic', 'challenge'] },
  ),
  fc.record(
    { mode: fc.constant('denied' as const), topic: text, reason: text },
    { requiredKeys: ['mode', 'topic'] },
  ),
);
const callback = fc
  .tuple(
    fc.constantFrom('http://s.example', 'https://s.example/cb', 'https://s.example/a%20b+c'),
    fc.constantFrom(
      '',
      '?',
      '?&',
      '?a=1',
      '?a=1&',
      '?hub.mode=denied&hub.topic=x&hub.challenge=y',
      '?a=%20+&b',
    ),
  )
  .map((parts) => parts.join(''));

describe('properties of the intent', () => {
  it('every intent reads back from the URL, whatever the callback brought along', () => {
    fc.assert(
      fc.property(callback, intent, (url, written) => {
        const whole = intentUrl(url, written);
        expect(whole.startsWith(url)).toBe(true);
        expect(parseIntentQuery(queryOf(whole))).toEqual(written);
      }),
    );
  });

  it('any query is read or found to be none', () => {
    const words = fc.constantFrom(
      'hub.mode',
      'hub.topic',
      'hub.challenge',
      'hub.lease_seconds',
      'subscribe',
      'denied',
      '=',
      '&',
      '%',
      '9',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, text), { maxLength: 20 }), (parts) => {
        const read = parseIntentQuery(new URLSearchParams(parts.join('')));
        const lease = read === undefined || read.mode === 'denied' ? undefined : read.leaseSeconds;
        expect(lease === undefined || Number.isSafeInteger(lease)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
