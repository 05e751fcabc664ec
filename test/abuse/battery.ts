import { gzipSync } from 'node:zlib';
import { formOf, FORM, type Fields } from '../support/requests.js';

/** A hostile request, as bytes, and what it is answered. */
export interface Hostility {
  readonly name: string;
  readonly request: Uint8Array;
  readonly expected: readonly number[];
}

export const ADMIN_KEY = 'the-admin-key-of-the-test';
/** Stands for the address of the client, which is another one each time, so that no bound per client is met. */
export const CLIENT = 'CLIENT-ADDRESS';

const TOPIC = 'http://127.0.0.1:9/topic';
const good: Fields = {
  'hub.mode': 'subscribe',
  'hub.callback': 'http://127.0.0.1:9/callback',
  'hub.topic': TOPIC,
};

type Expected = number | readonly number[];
type Text = string | Uint8Array;

function hostility(name: string, request: Text, expected: Expected): Hostility {
  return { name, request: Buffer.from(request), expected: [expected].flat() };
}

/** A request that is HTTP, whatever it says. */
function http(line: string, headers: readonly string[] = [], body: Text = ''): Buffer {
  const bytes = Buffer.from(body);
  const own = headers.some((header) => /^(content-length|transfer-encoding):/i.test(header));
  const head = [
    `${line} HTTP/1.1`,
    'Host: hub',
    'Connection: close',
    `X-Forwarded-For: ${CLIENT}`,
    ...headers,
    ...(own || (bytes.length === 0 && line.startsWith('GET')) ? [] : [`Content-Length: ${bytes.length}`]),
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), bytes]);
}

function form(body: Text | Fields, headers: readonly string[] = []): Buffer {
  const bytes = typeof body === 'string' || body instanceof Uint8Array ? body : formOf(body);
  return http('POST /', [`Content-Type: ${FORM}`, ...headers], bytes);
}

function each<Value>(
  of: readonly (readonly [name: string, value: Value])[],
  expected: Expected,
  request: (value: Value) => Text,
): Hostility[] {
  return of.map(([name, value]) => hostility(name, request(value), expected));
}

const named = (values: readonly string[]): [string, string][] => values.map((value) => [shown(value), value]);
const shown = (value: string): string => JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);

const post = `POST / HTTP/1.1\r\nHost: hub\r\nX-Forwarded-For: ${CLIENT}\r\nContent-Type: ${FORM}\r\n`;

/** What is not HTTP, or leaves open where it ends (RFC 9112, sections 2.2, 6 and 11). */
const framing = each(
  [
    ['garbage', 'this is not HTTP\r\n\r\n'],
    ['a TLS hello', '\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0000\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: hub\r\nHost: other\r\n\r\n'],
    ['HTTP/9.9', 'GET / HTTP/9.9\r\nHost: hub\r\n\r\n'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a method in lower case', 'get / HTTP/1.1\r\nHost: hub\r\n\r\n'],
    ['a method of 4 KB', `${'A'.repeat(4_096)} / HTTP/1.1\r\nHost: hub\r\n\r\n`],
    ['a space in the address', 'GET /a b HTTP/1.1\r\nHost: hub\r\n\r\n'],
    ['a length and chunks', `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
    ['the same length twice', `${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ['a list of lengths', `${post}Content-Length: 5, 5\r\n\r\nhello`],
    ['a length that is none', `${post}Content-Length: five\r\n\r\nhello`],
    ['a negative length', `${post}Content-Length: -5\r\n\r\nhello`],
    ['a length with a sign', `${post}Content-Length: +5\r\n\r\nhello`],
    ['a hexadecimal length', `${post}Content-Length: 0x5\r\n\r\nhello`],
    ['a length beyond 64 bits', `${post}Content-Length: 18446744073709551616\r\n\r\nhello`],
    ['an odd transfer coding', `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['chunks that are not last', `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['a chunk size that is none', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ['a negative chunk size', `${post}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n`],
    ['a chunk size beyond 64 bits', `${post}Transfer-Encoding: chunked\r\n\r\n${'F'.repeat(17)}\r\n\r\n`],
    ['a chunk without an end', `${post}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`],
    ['a chunk size that ends with LF alone', `${post}Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n`],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: hub\r\nnonsense\r\n\r\n'],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : hub\r\n\r\n'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: hub\r\n: x\r\n\r\n'],
    ['a header name of other characters', 'GET / HTTP/1.1\r\nHost: hub\r\nX(y): x\r\n\r\n'],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: hub\r\nX: a\u0000b\r\n\r\n'],
    ['a CR in a header', 'GET / HTTP/1.1\r\nHost: hub\r\nX: a\rb: c\r\n\r\n'],
  ],
  [400],
  (request) => request,
);

/** More than anybody needs. */
const sizes = [
  hostility('an address of 20 KB', http(`GET /?${'q'.repeat(20_000)}`), [414, 431]),
  hostility('a header of 17 KiB', http('GET /', [`X: ${'x'.repeat(17 * 1024)}`]), 431),
  hostility(
    '200 headers',
    http(
      'GET /',
      Array.from({ length: 200 }, (_e, n) => `X-${n}: 1`),
    ),
    431,
  ),
  hostility(
    '2,000 empty headers',
    http(
      'GET /',
      Array.from({ length: 2_000 }, (_e, n) => `X${n}:`),
    ),
    431,
  ),
  hostility(
    'chunk extensions of 20 KB',
    `${post}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`,
    [400, 413],
  ),
  hostility(
    'trailers of 20 KB',
    `${post}Transfer-Encoding: chunked\r\n\r\n0\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    [400, 431],
  ),
  hostility('a form that declares 70 KB', form('', ['Content-Length: 70000']), 413),
  hostility(
    'a form that declares 10 GB and expects to go on',
    form('', ['Content-Length: 9999999999', 'Expect: 100-continue']),
    413,
  ),
  hostility(
    'content that declares 10 GB',
    http(`POST /?${formOf({ 'hub.mode': 'publish', 'hub.topic': TOPIC })}`, [
      'Content-Type: text/plain',
      'Content-Length: 9999999999',
      `Authorization: Bearer ${ADMIN_KEY}`,
    ]),
    413,
  ),
  hostility('a form of 30,000 parameters', form('a&'.repeat(30_000)), 400),
  hostility('a form of 65 parameters', form(`${formOf(good)}&${'x=1&'.repeat(65)}`), 400),
  hostility('a parameter of 60 KB', form(`${formOf(good)}&x=${'y'.repeat(60_000)}`), 202),
  hostility('a name of 60 KB', form(`${formOf(good)}&${'y'.repeat(60_000)}=x`), 202),
  hostility('60 KB of percent signs', form('%'.repeat(60_000)), 400),
  hostility('60 KB of escapes', form(`x=${'%41'.repeat(20_000)}`), 400),
  hostility(
    '64 pings',
    form(
      formOf({ 'hub.mode': 'publish', 'hub.url': Array.from({ length: 63 }, (_e, n) => `${TOPIC}/${n}`) }),
    ),
    202,
  ),
  hostility(
    '90 extension headers',
    http(
      `POST /?${formOf({ 'hub.mode': 'publish', 'hub.topic': TOPIC })}`,
      [
        `Authorization: Bearer ${ADMIN_KEY}`,
        'Content-Type: text/plain',
        ...Array.from({ length: 90 }, (_e, n) => `X-${n}: ${'y'.repeat(100)}`),
      ],
      'x',
    ),
    202,
  ),
];

/** What a body may be and may not be. */
const bodies = [
  ...each(
    named([
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json',
      'nonsense',
      '',
      ';;;',
      'application/x-www-form-urlencoded2',
    ]),
    415,
    (type) => http('POST /', [`Content-Type: ${type}`], formOf(good)),
  ),
  ...each(named(['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip', 'nonsense']), 415, (coding) =>
    form(gzipSync(formOf(good)), [`Content-Encoding: ${coding}`]),
  ),
  hostility('a gzip bomb', form(gzipSync(Buffer.alloc(30_000_000)), ['Content-Encoding: gzip']), 415),
  ...each(
    [
      ['bytes that are not UTF-8', [0xff, 0xfe]],
      ['an overlong sequence', [0xc0, 0xaf]],
      ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
      ['a sequence that is cut short', [0xe2, 0x82]],
    ] as [string, number[]][],
    400,
    (bytes) => form(Buffer.concat([Buffer.from(`${formOf(good)}&x=`), Buffer.from(bytes)])),
  ),
  ...each(named(['%ff', '%c0%af', '%ED%A0%80', '%F5%80%80%80', '%e2%82']), 400, (escape) =>
    form(`${formOf(good)}&x=${escape}`),
  ),
  ...each(
    named([
      '',
      '&',
      '=',
      '&&&=&',
      '%',
      'hub.mode',
      'hub.mode=',
      'hub.mode=subscribe',
      'HUB.MODE=subscribe',
      'hub[mode]=subscribe',
      '\u0000',
      '{"hub.mode":"subscribe"}',
    ]),
    400,
    (body) => form(body),
  ),
  ...each(
    named([
      '__proto__',
      'constructor',
      'toString',
      'subscribe\u0000',
      'subscribe ',
      'Subscribe',
      'denied',
      '<script>',
    ]),
    400,
    (mode) => form({ ...good, 'hub.mode': mode }),
  ),
  ...each(
    named(['hub.mode', 'hub.callback', 'hub.topic', 'hub.secret', 'hub.lease_seconds', 'hub.verify_token']),
    400,
    (name) =>
      form(
        `${formOf({ 'hub.secret': 's', 'hub.lease_seconds': 300, 'hub.verify_token': 't', ...good })}&${name}=${encodeURIComponent(String(good[name] ?? '7'))}`,
      ),
  ),
  ...each(
    named(['0', '-1', '1.5', '1e9', '0x10', ' 300', '300 ', '٣٠٠', 'NaN', 'Infinity', 'abc', '+300']),
    400,
    (lease) => form({ ...good, 'hub.lease_seconds': lease }),
  ),
  hostility('a lease of 10^30 seconds', form({ ...good, 'hub.lease_seconds': `1${'0'.repeat(30)}` }), 202),
  hostility('a secret of 200 bytes', form({ ...good, 'hub.secret': 's'.repeat(200) }), 400),
  hostility(
    'a secret of 100 characters and 200 bytes',
    form({ ...good, 'hub.secret': 'é'.repeat(100) }),
    400,
  ),
  hostility('a secret of line breaks', form({ ...good, 'hub.secret': '\r\nX: y\r\n\r\n' }), 400),
  hostility('a verify_token of 600 characters', form({ ...good, 'hub.verify_token': 'v'.repeat(600) }), 400),
];

const URLS = [
  'http://user:password@127.0.0.1:9/x',
  'http://user@127.0.0.1:9/x',
  'http://:@127.0.0.1:9/x',
  'http://127.0.0.1:9@169.254.169.254/x',
  'http://127.0.0.1:9/x\r\nHost: evil',
  'http://127.0.0.1:9/x\ny',
  'http://127.0.0.1:9/x\ty',
  'ht\ttp://127.0.0.1:9/',
  'http://127.0.0.1:9/x\u0000y',
  'http://127.0.0.1:9/x y',
  ' http://127.0.0.1:9/x',
  'http://127.0.0.1:9/x ',
  'http://127.0.0.1:9/\u2028',
  'http://127.0.0.1:0/x',
  'http://127.0.0.1:99999/x',
  'http://127.0.0.1:9/x#y',
  'http:127.0.0.1:9/x',
  'http:/127.0.0.1:9/x',
  'http:///127.0.0.1',
  'http://',
  'http://[::1/x',
  'http://127.0.0.1%00.example/x',
  '//127.0.0.1/x',
  '/callback',
  'callback',
  'file:///etc/passwd',
  'ftp://127.0.0.1/x',
  'gopher://127.0.0.1/x',
  'javascript:alert(1)',
  'data:text/plain,x',
  'blob:http://127.0.0.1/x',
  'ws://127.0.0.1/x',
  'urn:websub:canary',
  '',
  `http://127.0.0.1:9/${'x'.repeat(2_048)}`,
  `http://127.0.0.1:9/${'é'.repeat(1_100)}`,
  'http://a b/',
  'http://xn--/',
  'http://exa mple.example/',
  'http://\ud800.example/',
];

/** Addresses that no policy allows, in every spelling that some library or other takes for them. */
const ADDRESSES = [
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '0xa9.0xfe.0xa9.0xfe',
  '169.16689662',
  '169.254.43518',
  '169.254.169.254.',
  '①⑥⑨.②⑤④.①⑥⑨.②⑤④',
  '169。254。169。254',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[::a9fe:a9fe]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::a9fe:a9fe]',
  '[2002:a9fe:a9fe::]',
  '[2001:0:a9fe:a9fe::]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fec0::1]',
  '[ff02::1]',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[2001:db8::1]',
  '0',
  '0.0.0.0',
  '10.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1',
  '100.64.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
];

const urls = [
  ...each(named(URLS), 400, (url) => form({ ...good, 'hub.callback': url })),
  ...each(named(URLS), 400, (url) => form({ ...good, 'hub.topic': url })),
  ...each(named(URLS), 400, (url) => form({ 'hub.mode': 'publish', 'hub.url': url })),
  ...each(named(ADDRESSES.map((host) => `http://${host}/`)), 400, (url) =>
    form({ ...good, 'hub.callback': url }),
  ),
  ...each(named(ADDRESSES.map((host) => `http://${host}/`)), 400, (url) =>
    form({ ...good, 'hub.topic': url }),
  ),
];

const bearer = `Authorization: Bearer ${ADMIN_KEY}`;
const json = 'Content-Type: application/json';
const at = (path: string): Hostility => hostility(shown(path), http(path, [bearer]), [400, 404, 405]);

/** The management API, by somebody who may. */
const management = [
  ...[
    'GET /v1/subscriptions?limit=0',
    'GET /v1/subscriptions?limit=-1',
    'GET /v1/subscriptions?limit=1e9',
    'GET /v1/subscriptions?limit=NaN',
    'GET /v1/topics?limit=1&limit=2',
    'GET /v1/subscriptions?state=__proto__',
    'GET /v1/subscriptions/%00',
    'GET /v1/subscriptions/..%2f..%2fetc%2fpasswd',
    `GET /v1/subscriptions/${'x'.repeat(8_000)}`,
    'GET /v1/subscriptions/%ff',
    'GET /v1/subscriptions/%',
    'DELETE /v1/subscriptions/x',
    'POST /v1/subscriptions',
    'PUT /v1/subscriptions/x',
    'PATCH /v1/subscriptions/x',
    'DELETE /v1/topics',
    'GET /v1/dead-letters?since=yesterday',
    'GET /v1/nothing',
    'GET /v1//subscriptions',
    'GET /v1/subscriptions/x/deliveries/y',
    'TRACE /v1/stats',
    'PROPFIND /v1/stats',
    'DELETE /',
    'PATCH /',
    'TRACE /',
    'GET ////',
    'GET /%00',
    'GET /%',
    'GET /%ff',
    'GET /..%2f..%2fetc/passwd',
    'GET /v1/../../etc/passwd',
    'GET /.git/config',
    'GET /status/',
    'GET /status/%00',
    `GET /status/${'x'.repeat(8_000)}`,
    'GET /constructor',
    'GET /__proto__',
    'POST /metrics',
    'POST /readyz',
  ].map(at),
  ...each(
    [
      ['brackets of a depth of 60,000', '['.repeat(60_000)],
      ['objects of a depth of 10,000', '{"a":'.repeat(10_000)],
      ['whole brackets of a depth of 30,000', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
      ['a prototype', '{"__proto__":{"role":"admin"}}'],
      ['a number beyond all', '{"role":"admin","expires_in":1e999}'],
      ['a list', '[]'],
      ['nothing', 'null'],
      ['a text', '"x"'],
      ['half of it', '{"role":'],
      ['two of them', '{}{}'],
      ['a wrong type', '{"role":["admin"]}'],
      ['an unknown role', '{"role":"constructor"}'],
      ['keys that nobody knows', '{"role":"admin","admin":true}'],
      ['a name of 60 KB', `{"role":"admin","name":"${'x'.repeat(60_000)}"}`],
      ['a pattern bomb', JSON.stringify({ role: 'reader', read: [`https://${'*a'.repeat(20_000)}/*`] })],
      [
        '20,000 patterns',
        JSON.stringify({ role: 'reader', read: Array.from({ length: 5_000 }, () => 'x://') }),
      ],
    ] as [string, string][],
    400,
    (body) => http('POST /v1/credentials', [bearer, json], body),
  ),
  ...each(
    [
      ['UTF-16', Buffer.from('{"role":"admin"}', 'utf16le')],
      ['bytes that are no text', Buffer.from([0xff, 0x00, 0x7b])],
    ] as [string, Buffer][],
    400,
    (body) => http('POST /v1/credentials', [bearer, json], body),
  ),
  hostility(
    'JSON of 100 KB',
    http('POST /v1/credentials', [bearer, json], `{"name":"${'x'.repeat(100_000)}"}`),
    413,
  ),
  hostility(
    'JSON that is compressed',
    http('POST /v1/credentials', [bearer, json, 'Content-Encoding: gzip'], gzipSync('{}')),
    415,
  ),
  ...each(named(['utf-16', 'klingon']), 415, (charset) =>
    http('POST /v1/credentials', [bearer, `${json}; charset=${charset}`], '{"role":"admin"}'),
  ),
  hostility(
    'a stream of a form in UTF-16',
    http('POST /v1/sse', [`Content-Type: ${FORM}; charset=utf-16`], 'topic=x'),
    415,
  ),
  hostility(
    'JSON as a form',
    http('POST /v1/credentials', [bearer, `Content-Type: ${FORM}`], '{"role":"admin"}'),
    415,
  ),
  ...each(
    named([
      '{"cursor":"../.."}',
      '{"cursor":7}',
      '{"since":"never"}',
      '{"cursor":"a","since":"2026-01-01T00:00:00Z"}',
    ]),
    [400, 404],
    (body) => http('POST /v1/subscriptions/x/replay', [bearer, json], body),
  ),
  ...each(named(['{"subscription":{}}', '{"since":-1}', '{"everything":true}']), 400, (body) =>
    http('POST /v1/dead-letters/redeliver', [bearer, json], body),
  ),
];

/** Credentials that are none. */
const credentials = [
  ...each(
    named([
      'Bearer',
      'Bearer ',
      'Bearer x',
      `Bearer ${'x'.repeat(8_000)}`,
      'Basic',
      'Basic ::::',
      'Basic !!!!',
      'Basic Og==',
      'Digest x',
      'Bearer \u00e9',
      'Bearer admin.',
      'Bearer __proto__.x',
      'Bearer constructor.constructor',
      'Bearer eyJhbGciOiJub25lIn0.e30.',
      `Bearer eyJ${'e'.repeat(4_000)}.e.e`,
      `Bearer ${ADMIN_KEY}x`,
      `Bearer ${ADMIN_KEY.slice(1)}`,
    ]),
    401,
    (header) => http('GET /v1/stats', [`Authorization: ${header}`]),
  ),
  ...each(
    named(['ticket=x', 'token=x', `ticket=${'x'.repeat(4_000)}`, 'ticket=%00', 'ticket=a&ticket=b']),
    401,
    (query) => http(`GET /v1/stats?${query}`),
  ),
  hostility(
    'content without a credential',
    http(
      `POST /?${formOf({ 'hub.mode': 'publish', 'hub.topic': TOPIC })}`,
      ['Content-Type: text/plain'],
      'x',
    ),
    401,
  ),
  hostility('registering without a credential', form({ 'hub.mode': 'register', 'hub.topic': TOPIC }), 401),
];

/** Publications with content, by somebody who may. */
const contents = [
  ...each(
    named([
      'hub.mode=publish',
      `hub.mode=publish&hub.topic=${encodeURIComponent(TOPIC)}&hub.topic=${encodeURIComponent(TOPIC)}`,
      'hub.mode=publish&hub.topic=%ff',
      'hub.mode=publish&hub.topic=urn%3Awebsub%3Acanary',
      `hub.mode=publish&hub.topic=${encodeURIComponent(TOPIC)}&hub.id=${'i'.repeat(10_000)}`,
      `hub.mode=publish&hub.topic=${encodeURIComponent(TOPIC)}&hub.id=%0d%0aX%3A1`,
      `hub.mode=publish&hub.topic=${encodeURIComponent(TOPIC)}&hub.type=%00`,
      `hub.mode=publish&hub.topic=${encodeURIComponent(TOPIC)}&hub.id=a&hub.id=b`,
    ]),
    [400, 414, 431],
    (query) => http(`POST /?${query}`, [bearer, 'Content-Type: text/plain'], 'x'),
  ),
  ...each(
    named(['nonsense', 'a/b; c="\xff\x01', `text/plain; x=${'y'.repeat(2_000)}`, 'text/html; charset="', '']),
    [202, 400],
    (type) =>
      http(
        `POST /?${formOf({ 'hub.mode': 'publish', 'hub.topic': TOPIC })}`,
        [bearer, `Content-Type: ${type}`],
        'x',
      ),
  ),
  hostility(
    'content that is compressed',
    http(
      `POST /?${formOf({ 'hub.mode': 'publish', 'hub.topic': TOPIC })}`,
      [bearer, 'Content-Type: text/plain', 'Content-Encoding: gzip'],
      gzipSync(Buffer.alloc(30_000_000)),
    ),
    415,
  ),
];

const topicQuery = `topic=${encodeURIComponent(TOPIC)}`;

/** Reading. Whatever is wrong is refused before a stream begins. */
const reading = [
  ...['/v1/sse', '/v1/wait'].flatMap((path) =>
    each(
      named([
        '',
        'topic=',
        'topic=x',
        'topic=%ff',
        `topic=${encodeURIComponent('http://u:p@h/')}`,
        'match_urlpattern=',
        'match_urlpattern=***',
        `match_urlpattern=https%3A%2F%2F${'*'.repeat(2_000)}`,
        'match_urlpattern=(((((',
        `${topicQuery}&filter=${'('.repeat(4_000)}`,
        `${topicQuery}&filter=%5B%5B%5B`,
        `${topicQuery}&filter=%7B%22__proto__%22%3A1%7D`,
        `${topicQuery}&${'where=a%3Db&'.repeat(40)}`,
        `${topicQuery}&since=last:99999999999`,
        `${topicQuery}&since=last:-1`,
        `${topicQuery}&since=1&since=2`,
        `${topicQuery}&on_gap=explode`,
        `${topicQuery}&limit=0&timeout=0&heartbeat=0&format=x`,
        Array.from({ length: 400 }, () => topicQuery)
          .join('&')
          .slice(0, 15_000),
      ]),
      [400, 414, 431],
      (query) => http(`GET ${path}?${query}`),
    ),
  ),
  hostility('a stream of a form that is JSON', http('POST /v1/sse', [json], '{"topic":"x"}'), 415),
  hostility('a stream by DELETE', http('DELETE /v1/sse'), 405),
  ...each(
    named([
      'Sec-WebSocket-Version: 7\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x',
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ]),
    [400, 404],
    (more) =>
      `GET /nothing HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n\r\n`,
  ),
];

/** What is odd, and no reason to refuse it. */
const odd = [
  ...each(
    named(['since=99999999999999999999', 'since=%0d%0adata', 'last_event_id=%00', 'last_event_id=__proto__']),
    [200, 204],
    (query) => http(`GET /v1/wait?${topicQuery}&timeout=1&${query}`),
  ),
  hostility('HTTP/0.9', 'GET /\r\n\r\n', [200, 400]),
  hostility('a tunnel', 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: hub\r\n\r\n', 405),
  hostility(
    'an upgrade to what nobody speaks',
    'GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    [200, 400],
  ),
  hostility(
    'preferences that make no sense',
    http('GET /', ['Accept: ;;,q=x,*/*;q=99', 'Accept-Language: \xff']),
    [200],
  ),
  hostility(
    'the address of another host',
    'GET http://elsewhere.example/ HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n',
    [200, 404],
  ),
  hostility('an asterisk', http('OPTIONS *'), [200, 204, 404, 405]),
  hostility('a cookie of 8 KB', http('GET /', [`Cookie: ${'a=b; '.repeat(1_600)}`]), 200),
  hostility('a range of ranges', http('GET /', [`Range: bytes=${'0-1,'.repeat(2_000)}0-1`]), 200),
  hostility(
    'a trace that is none',
    form(good, ['traceparent: 00-xyz', `tracestate: ${'a=b,'.repeat(2_000)}`]),
    202,
  ),
];

export const BATTERY: readonly Hostility[] = [
  ...framing,
  ...sizes,
  ...bodies,
  ...urls,
  ...management,
  ...credentials,
  ...contents,
  ...reading,
  ...odd,
];
