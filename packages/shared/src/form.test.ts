import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSubError } from './errors.js';
import { FORM_PARAMETERS_LIMIT, formatHubRequest, parseForm, parseHubRequest, single } from './form.js';
import type { HubRequest } from './form.js';

const TOPIC = 'https://publisher.example/feed';
const CALLBACK = 'https://subscriber.example/callback/1';

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function form(fields: Readonly<Record<string, string>>): Uint8Array {
  return bytes(new URLSearchParams(fields).toString());
}

function subscription(fields: Readonly<Record<string, string>> = {}): Uint8Array {
  return form({ 'hub.mode': 'subscribe', 'hub.topic': TOPIC, 'hub.callback': CALLBACK, ...fields });
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

function refusal(body: Uint8Array): WebSubError {
  const thrown = thrownBy(() => parseHubRequest(body));
  if (!(thrown instanceof WebSubError)) throw new Error(`not refused: ${new TextDecoder().decode(body)}`);
  expect(thrown.code).toBe('invalid_request');
  return thrown;
}

describe('parseHubRequest: modes', () => {
  it('reads a subscription with all that section 5.1 names', () => {
    expect(parseHubRequest(subscription({ 'hub.lease_seconds': '864000', 'hub.secret': 'shh' }))).toEqual({
      mode: 'subscribe',
      topic: TOPIC,
      callback: CALLBACK,
      leaseSeconds: 864_000,
      secret: 'shh',
    });
  });

  it('reads that deliveries are to be signed with their time, of the one version that there is', () => {
    const request = parseHubRequest(subscription({ 'hub.webhook_signature': 'v1' }));
    expect(request).toMatchObject({ webhookSignature: true });
    expect(parseHubRequest(subscription({ 'hub.webhook_signature': '' }))).not.toHaveProperty(
      'webhookSignature',
    );
    expect(refusal(subscription({ 'hub.webhook_signature': 'v2' })).message).toContain('send v1');
  });

  it('leaves out what the subscriber left out', () => {
    const request = parseHubRequest(subscription());
    expect(Object.keys(request).toSorted()).toEqual(['callback', 'mode', 'topic']);
  });

  it('reads an unsubscription and ignores any lease and secret in it (H22)', () => {
    const body = form({
      'hub.mode': 'unsubscribe',
      'hub.topic': TOPIC,
      'hub.callback': CALLBACK,
      'hub.lease_seconds': 'garbage',
      'hub.secret': 'x'.repeat(500),
    });
    expect(parseHubRequest(body)).toEqual({ mode: 'unsubscribe', topic: TOPIC, callback: CALLBACK });
  });

  it('reads topics to publish from hub.url and hub.topic, each once, in order', () => {
    const body = bytes(
      'hub.mode=publish&hub.url=http://a.example/&hub.topic=http://b.example/&hub.url=http://a.example/',
    );
    expect(parseHubRequest(body)).toEqual({
      mode: 'publish',
      topics: ['http://a.example/', 'http://b.example/'],
    });
  });

  it.each(['register', 'deregister'] as const)('reads %s of a topic', (mode) => {
    expect(parseHubRequest(form({ 'hub.mode': mode, 'hub.topic': TOPIC }))).toEqual({ mode, topic: TOPIC });
  });

  it("reads unregister, the word of Ballerina's older publishers, as deregister", () => {
    expect(parseHubRequest(form({ 'hub.mode': 'unregister', 'hub.topic': TOPIC }))).toEqual({
      mode: 'deregister',
      topic: TOPIC,
    });
  });

  it('ignores unknown parameters, also those that begin with hub. (H4)', () => {
    expect(parseHubRequest(subscription({ foo: 'bar', 'hub.foo': 'hub.bar', __proto__x: '1' }))).toEqual({
      mode: 'subscribe',
      topic: TOPIC,
      callback: CALLBACK,
    });
  });

  it.each([
    ['no mode', 'hub.topic=http://a.example/&hub.callback=http://b.example/'],
    ['an empty mode', 'hub.mode=&hub.topic=http://a.example/'],
    ['an unknown mode', 'hub.mode=destroy&hub.topic=http://a.example/'],
    ['a mode in capitals', 'hub.mode=Subscribe&hub.topic=http://a.example/&hub.callback=http://b.example/'],
    ['a mode with the name of a prototype member', 'hub.mode=constructor&hub.topic=http://a.example/'],
    ['the mode __proto__', 'hub.mode=__proto__'],
    ['a name in capitals', 'HUB.MODE=publish&hub.url=http://a.example/'],
    ['an empty body', ''],
    ['only separators', '&&&=&=&&'],
    ['no topic', 'hub.mode=subscribe&hub.callback=http://b.example/'],
    ['no callback', 'hub.mode=subscribe&hub.topic=http://a.example/'],
    ['an empty topic', 'hub.mode=subscribe&hub.topic=&hub.callback=http://b.example/'],
    ['an empty callback', 'hub.mode=unsubscribe&hub.topic=http://a.example/&hub.callback='],
    ['nothing to publish', 'hub.mode=publish'],
    [
      'one bad URL among the published',
      'hub.mode=publish&hub.url=http://a.example/&hub.url=ftp://a.example/',
    ],
    [
      'a topic with a fragment',
      'hub.mode=subscribe&hub.topic=http://a.example/%23x&hub.callback=http://b.example/',
    ],
    [
      'a callback with a line break',
      'hub.mode=subscribe&hub.topic=http://a.example/&hub.callback=http://b.example/%0d%0aX:1',
    ],
    ['a byte order mark before the first name', '\ufeffhub.mode=publish&hub.url=http://a.example/'],
    ['JSON', '{"hub.mode":"publish","hub.url":"http://a.example/"}'],
  ])('refuses %s', (_what, body) => {
    refusal(bytes(body));
  });

  it('tells the cure in each refusal', () => {
    expect(refusal(bytes('')).message).toBe('hub.mode is missing: send subscribe, unsubscribe or publish');
    expect(refusal(form({ 'hub.mode': 'subscribe' })).message).toContain('hub.callback is missing: send');
    expect(refusal(subscription({ 'hub.topic': 'ftp://a.example/' })).message).toContain('use http or https');
  });

  it('echoes neither a secret nor a token in a refusal', () => {
    expect(refusal(subscription({ 'hub.secret': 'S3CRET'.repeat(40) })).message).not.toContain('S3CRET');
    expect(refusal(subscription({ 'hub.verify_token': 'T0KEN'.repeat(200) })).message).not.toContain('T0KEN');
  });
});

describe('parseHubRequest: parameters given twice', () => {
  it.each([
    'hub.mode',
    'hub.callback',
    'hub.topic',
    'hub.lease_seconds',
    'hub.secret',
    'hub.webhook_signature',
    'hub.verify_token',
  ])('refuses a second %s, even with the same value', (name) => {
    const once = `${name}=${encodeURIComponent(name === 'hub.mode' ? 'subscribe' : TOPIC)}`;
    const body = new TextDecoder().decode(subscription());
    const rest = body.split('&').filter((pair) => !pair.startsWith(`${name}=`));
    expect(refusal(bytes([...rest, once, once].join('&'))).message).toContain(
      `${name} is given more than once`,
    );
  });

  it('refuses a second value hidden behind a percent-encoded name', () => {
    const body = `${new TextDecoder().decode(subscription())}&hub%2Ecallback=http://evil.example/`;
    expect(refusal(bytes(body)).message).toContain('hub.callback');
  });

  it('allows a repeated hub.verify, which PubSubHubbub 0.4 had as a list', () => {
    const body = `${new TextDecoder().decode(subscription())}&hub.verify=sync&hub.verify=async`;
    expect(parseHubRequest(bytes(body)).mode).toBe('subscribe');
  });

  it('allows hub.url and hub.topic to repeat in a publish request', () => {
    const body = 'hub.mode=publish&hub.topic=http://a.example/&hub.topic=http://b.example/';
    expect(parseHubRequest(bytes(body))).toEqual({
      mode: 'publish',
      topics: ['http://a.example/', 'http://b.example/'],
    });
  });
});

describe('parseHubRequest: values', () => {
  it('keeps topic and callback exactly as they were sent, after form decoding', () => {
    const callback = 'HTTP://Subscriber.Example:80/a%2Fb/../c?x=%20&y=a+b&empty=&hub.mode=x';
    const topic = 'https://publisher.example/é/%7euser?q=1&';
    const request = parseHubRequest(subscription({ 'hub.callback': callback, 'hub.topic': topic }));
    expect(request).toMatchObject({ callback, topic });
  });

  it.each([
    ['1', 1],
    ['007', 7],
    ['864000', 864_000],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads the lease %s', (text, leaseSeconds) => {
    expect(parseHubRequest(subscription({ 'hub.lease_seconds': text }))).toMatchObject({ leaseSeconds });
  });

  it('reads a lease of any number of digits as the largest exact integer', () => {
    for (const text of ['9007199254740993', '1'.repeat(22), '9'.repeat(400)]) {
      const request = parseHubRequest(subscription({ 'hub.lease_seconds': text }));
      expect(request).toMatchObject({ leaseSeconds: Number.MAX_SAFE_INTEGER });
    }
  });

  it('takes an empty lease as none', () => {
    expect(parseHubRequest(subscription({ 'hub.lease_seconds': '' }))).not.toHaveProperty('leaseSeconds');
  });

  it.each([
    '0',
    '000',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    'abc',
    'NaN',
    'Infinity',
    '１２',
    '٣',
    '1_000',
    '1,000',
  ])('refuses the lease %j', (text) => {
    expect(refusal(subscription({ 'hub.lease_seconds': text })).message).toContain(
      'positive decimal integer',
    );
  });

  it.each([
    ['199 ASCII characters', 'x'.repeat(199)],
    ['99 characters of two bytes and one of one', `${'é'.repeat(99)}x`],
    ['49 characters of four bytes and three of one', `${'😀'.repeat(49)}xyz`],
  ])('takes a secret of 199 bytes: %s', (_what, secret) => {
    expect(Buffer.byteLength(secret)).toBe(199);
    expect(parseHubRequest(subscription({ 'hub.secret': secret }))).toMatchObject({ secret });
  });

  it.each([
    ['200 ASCII characters', 'x'.repeat(200)],
    ['100 characters of two bytes', 'é'.repeat(100)],
    ['50 characters of four bytes', '😀'.repeat(50)],
    ['a thousand characters', 'x'.repeat(1000)],
  ])('refuses a secret of 200 bytes and more: %s (H5)', (_what, secret) => {
    expect(refusal(subscription({ 'hub.secret': secret })).message).toContain('shorter than 200 bytes');
  });

  it('counts the bytes of a secret after form decoding', () => {
    const body = `${new TextDecoder().decode(subscription())}&hub.secret=${'%78'.repeat(199)}`;
    expect(parseHubRequest(bytes(body))).toMatchObject({ secret: 'x'.repeat(199) });
    refusal(bytes(`${body}%78`));
  });

  it('takes an empty secret as none', () => {
    expect(parseHubRequest(subscription({ 'hub.secret': '' }))).not.toHaveProperty('secret');
  });

  it('keeps a token of 512 characters and refuses one of 513', () => {
    expect(parseHubRequest(subscription({ 'hub.verify_token': 't'.repeat(512) }))).toMatchObject({
      verifyToken: 't'.repeat(512),
    });
    expect(refusal(subscription({ 'hub.verify_token': 't'.repeat(513) })).message).toContain(
      'hub.verify_token',
    );
  });
});

describe('single', () => {
  const params = new URLSearchParams('once=1&twice=1&twice=1&empty=');

  it('is the value of a parameter that is given once', () => {
    expect([single(params, 'once'), single(params, 'empty'), single(params, 'never')]).toEqual([
      '1',
      '',
      undefined,
    ]);
  });

  it('refuses one that is given more than once, and names it', () => {
    expect(() => single(params, 'twice')).toThrow('twice is given more than once: send it once');
  });
});

describe('parseForm', () => {
  it.each([
    ['a lone continuation byte', [0x80]],
    ['a sequence cut short', [0xc3]],
    ['a sequence cut by a separator', [0xc3, 0x26, 0xa9]],
    ['a sequence cut by an escape of its second half', [0xc3, 0x25, 0x41, 0x39]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xe0, 0x80, 0x80]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a code point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['Latin-1', [0xe9, 0x74, 0xe9]],
    ['the byte FF', [0xff]],
    ['UTF-16', [0xff, 0xfe, 0x61, 0x00]],
  ])('refuses %s in the bytes', (_what, tail) => {
    expect(() => parseForm(new Uint8Array([0x61, 0x3d, ...tail]))).toThrow('the form is not UTF-8');
  });

  it.each([
    '%80',
    '%C3',
    '%c3&b=%a9',
    '%C3+%A9',
    '%C3%',
    '%C3%zz',
    '%C0%AF',
    '%E0%80%80',
    '%ED%A0%80',
    '%F4%90%80%80',
    '%E9t%E9',
    '%FF',
  ])('refuses what is not UTF-8 behind the escapes: %s', (value) => {
    expect(() => parseForm(bytes(`a=${value}`))).toThrow('the form is not UTF-8');
  });

  it('refuses what is not UTF-8 in a name too', () => {
    expect(() => parseForm(bytes('%FF=1'))).toThrow('the form is not UTF-8');
  });

  it.each([
    ['%', '%'],
    ['100%', '100%'],
    ['%4', '%4'],
    ['%zz', '%zz'],
    ['%%41', '%A'],
    ['%25', '%'],
    ['%2', '%2'],
    ['%C3%A9', 'é'],
    ['%c3%a9', 'é'],
    ['é', 'é'],
    ['a+b', 'a b'],
    ['a%2Bb', 'a+b'],
    ['%00', '\0'],
    ['a=b=c', 'a=b=c'],
    ['%F0%9F%98%80', '😀'],
    ['%EF%BB%BFx', '\ufeffx'],
  ])('decodes %s to %j', (value, decoded) => {
    expect(parseForm(bytes(`v=${value}`)).get('v')).toBe(decoded);
  });

  it('reads 64 parameters and refuses the 65th', () => {
    const pairs = Array.from({ length: FORM_PARAMETERS_LIMIT }, (_, index) => `p${index}=x`);
    expect(parseForm(bytes(pairs.join('&'))).size).toBe(64);
    expect(() => parseForm(bytes([...pairs, 'one=more'].join('&')))).toThrow('more than 64 parameters');
  });

  it('counts the same name and the nameless as parameters', () => {
    expect(() => parseForm(bytes('a&'.repeat(65)))).toThrow('more than 64 parameters');
    expect(() => parseForm(bytes('=&'.repeat(65)))).toThrow('more than 64 parameters');
    expect(parseForm(bytes('&'.repeat(10_000))).size).toBe(0);
  });

  it('neither nests nor merges dotted and bracketed names', () => {
    const params = parseForm(bytes('hub.a=1&hub[a]=2&hub.a[]=3'));
    expect([...params]).toEqual([
      ['hub.a', '1'],
      ['hub[a]', '2'],
      ['hub.a[]', '3'],
    ]);
  });

  it('keeps in memory what its values take, however long the form was', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const long = bytes(`hub.topic=${TOPIC}&padding=${'y'.repeat(60_000)}`);
    collect();
    const before = process.memoryUsage().heapUsed;
    const topics = Array.from({ length: 500 }, () => parseForm(long).get('hub.topic'));
    collect();
    expect((process.memoryUsage().heapUsed - before) / topics.length).toBeLessThan(6_000);
  });

  it('reads a form that lies inside a larger buffer', () => {
    const whole = bytes('xxxxa=1yyyy');
    expect(parseForm(whole.subarray(4, 7)).get('a')).toBe('1');
  });
});

describe('formatHubRequest', () => {
  it('writes the callback and the topic so that no character of theirs is read as the form', () => {
    const callback = 'https://subscriber.example/?a=1&hub.mode=unsubscribe&b=+%20';
    const text = formatHubRequest({ mode: 'subscribe', topic: TOPIC, callback });
    expect(parseHubRequest(bytes(text))).toEqual({ mode: 'subscribe', topic: TOPIC, callback });
  });

  it('writes each published topic as hub.url', () => {
    const text = formatHubRequest({
      mode: 'publish',
      topics: ['http://a.example/', 'http://b.example/?x=1'],
    });
    expect(text).toBe(
      'hub.mode=publish&hub.url=http%3A%2F%2Fa.example%2F&hub.url=http%3A%2F%2Fb.example%2F%3Fx%3D1',
    );
  });

  it('adds what a hub asks for beyond the Recommendation (S20)', () => {
    const text = formatHubRequest({ mode: 'publish', topics: [TOPIC] }, { api_key: 'k & y' });
    expect(new URLSearchParams(text).get('api_key')).toBe('k & y');
  });

  it('refuses to send a secret of 200 bytes (S12)', () => {
    const request: HubRequest = {
      mode: 'subscribe',
      topic: TOPIC,
      callback: CALLBACK,
      secret: 'é'.repeat(100),
    };
    expect(() => formatHubRequest(request)).toThrow('shorter than 200 bytes');
  });
});

const webUrl = fc
  .tuple(fc.constantFrom('http', 'https'), fc.webPath({ size: 'small' }), fc.option(fc.webQueryParameters()))
  .map(([scheme, path, query]) => `${scheme}://host.example${path}${query === null ? '' : `?${query}`}`);

const secret = fc.string({ unit: 'binary', minLength: 1, maxLength: 49 });
const leaseSeconds = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const verifyToken = fc.string({ unit: 'binary', maxLength: 256 });

const request: fc.Arbitrary<HubRequest> = fc.oneof(
  fc.record(
    {
      mode: fc.constant('subscribe' as const),
      topic: webUrl,
      callback: webUrl,
      secret,
      webhookSignature: fc.constant(true as const),
      leaseSeconds,
      verifyToken,
    },
    { requiredKeys: ['mode', 'topic', 'callback'] },
  ),
  fc.record(
    { mode: fc.constant('unsubscribe' as const), topic: webUrl, callback: webUrl, verifyToken },
    { requiredKeys: ['mode', 'topic', 'callback'] },
  ),
  fc.record({
    mode: fc.constant('publish' as const),
    topics: fc.uniqueArray(webUrl, { minLength: 1, maxLength: 60 }),
  }),
  fc.record({ mode: fc.constantFrom('register' as const, 'deregister' as const), topic: webUrl }),
);

describe('properties of the form', () => {
  it('every request reads back as it was written', () => {
    fc.assert(
      fc.property(request, (written) => {
        expect(parseHubRequest(bytes(formatHubRequest(written)))).toEqual(written);
      }),
    );
  });

  it('any bytes are read or refused with a WebSubError', () => {
    const fragments = fc.constantFrom(
      'hub.mode=',
      'subscribe',
      'publish',
      '&',
      '=',
      '%',
      '%C3',
      '%A9',
      'hub.url=',
      'hub.topic=',
      '+',
      'http://a/',
      '\u0000',
    );
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fragments, { maxLength: 40 }).map((parts) => bytes(parts.join(''))),
    );
    fc.assert(
      fc.property(hostile, (body) => {
        const thrown = thrownBy(() => parseHubRequest(body));
        expect(thrown === undefined || thrown instanceof WebSubError).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('a form holds U+FFFD only where the sender wrote it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('%', 'C', '3', 'A', '9', 'é', '+', '&', '=', 'E', '2', '8') }),
        (text) => {
          const params = (() => {
            try {
              return parseForm(bytes(text));
            } catch {
              return new URLSearchParams();
            }
          })();
          expect([...params].flat().join('')).not.toContain('\ufffd');
        },
      ),
      { numRuns: 2000 },
    );
  });
});
