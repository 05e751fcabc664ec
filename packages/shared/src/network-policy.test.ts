import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSubError } from './errors.js';
import { NetworkPolicy } from './network-policy.js';

const strict = new NetworkPolicy();
const development = new NetworkPolicy({ allowLoopback: true });

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '93.184.215.14',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '191.255.255.255',
  '192.0.1.0',
  '192.0.3.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '198.51.99.255',
  '203.0.112.255',
  '203.0.114.0',
  '223.255.255.255',
  '2001:200::1',
  '2001:4860:4860::8888',
  '2001:db7:ffff::1',
  '2001:db9::1',
  '2003::1',
  '2400:cb00::1',
  '2606:4700:4700::1111',
  '2a00:1450:4001:80b::200e',
  '3ffe:ffff::1',
] as const;

const SPECIAL = [
  ['this network', '0.0.0.0'],
  ['this network', '0.0.0.1'],
  ['this network', '0.255.255.255'],
  ['private', '10.0.0.0'],
  ['private', '10.255.255.255'],
  ['private', '172.16.0.1'],
  ['private', '172.31.255.255'],
  ['private', '192.168.0.1'],
  ['private', '192.168.255.255'],
  ['shared (CGNAT)', '100.64.0.0'],
  ['shared (CGNAT)', '100.100.100.200'],
  ['shared (CGNAT)', '100.127.255.255'],
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.255'],
  ['link-local', '169.254.0.1'],
  ['metadata', '169.254.169.254'],
  ['metadata', '169.254.170.2'],
  ['protocol assignments', '192.0.0.0'],
  ['protocol assignments', '192.0.0.8'],
  ['protocol assignments', '192.0.0.170'],
  ['protocol assignments', '192.0.0.192'],
  ['protocol assignments', '192.0.0.255'],
  ['documentation', '192.0.2.1'],
  ['documentation', '198.51.100.255'],
  ['documentation', '203.0.113.0'],
  ['6to4 relay', '192.88.99.1'],
  ['benchmarking', '198.18.0.0'],
  ['benchmarking', '198.19.255.255'],
  ['multicast', '224.0.0.1'],
  ['multicast', '239.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['reserved', '255.255.255.254'],
  ['broadcast', '255.255.255.255'],
  ['unspecified', '::'],
  ['loopback', '::1'],
  ['loopback', '0:0:0:0:0:0:0:1'],
  ['reserved', '::2'],
  ['mapped', '::ffff:127.0.0.1'],
  ['mapped', '::ffff:7f00:1'],
  ['mapped', '::ffff:10.0.0.1'],
  ['mapped', '::ffff:169.254.169.254'],
  ['mapped', '::ffff:8.8.8.8'],
  ['mapped', '0:0:0:0:0:ffff:808:808'],
  ['compatible', '::127.0.0.1'],
  ['compatible', '::10.0.0.1'],
  ['compatible', '::8.8.8.8'],
  ['translated', '::ffff:0:127.0.0.1'],
  ['NAT64', '64:ff9b::127.0.0.1'],
  ['NAT64', '64:ff9b::a9fe:a9fe'],
  ['NAT64', '64:ff9b::8.8.8.8'],
  ['local NAT64', '64:ff9b:1::'],
  ['local NAT64', '64:ff9b:1:ffff:ffff:ffff:a9fe:a9fe'],
  ['discard', '100::1'],
  ['dummy', '100:0:0:1::1'],
  ['Teredo', '2001::1'],
  ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  ['benchmarking', '2001:2::1'],
  ['ORCHID', '2001:10::1'],
  ['ORCHIDv2', '2001:20::1'],
  ['drone remote id', '2001:30::1'],
  ['protocol assignments', '2001:1ff:ffff::1'],
  ['documentation', '2001:db8::1'],
  ['documentation', '2001:db8:ffff::1'],
  ['documentation', '3fff::1'],
  ['documentation', '3fff:fff:ffff::1'],
  ['6to4', '2002::'],
  ['6to4', '2002:7f00:1::'],
  ['6to4', '2002:808:808::1'],
  ['never assigned', '200::1'],
  ['never assigned', '1fff:ffff::1'],
  ['never assigned', '4000::1'],
  ['segment routing', '5f00::1'],
  ['never assigned', '9999::1'],
  ['never assigned', 'e000::1'],
  ['unique local', 'fc00::1'],
  ['unique local', 'fd00::2'],
  ['metadata', 'fd00:ec2::254'],
  ['unique local', 'fdff:ffff::1'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['link-local', 'febf::1'],
  ['site-local', 'fec0::1'],
  ['site-local', 'feff::1'],
  ['multicast', 'ff02::1'],
  ['multicast', 'ffff::1'],
] as const;

describe('NetworkPolicy: addresses', () => {
  it.each(PUBLIC)('allows %s', (address) => {
    expect(strict.allows(address)).toBe(true);
  });

  it.each(SPECIAL)('forbids %s: %s', (_what, address) => {
    expect(strict.allows(address)).toBe(false);
  });

  it.each([
    '',
    ' ',
    'localhost',
    'example.com',
    '1.2.3',
    '256.1.1.1',
    '1.2.3.4.5',
    ':::',
    '::g',
    '[::1]',
    '8.8.8.8/32',
    '8.8.8.8 ',
    '%eth0',
    'undefined',
  ])('forbids %j, which is no address', (address) => {
    expect(strict.allows(address)).toBe(false);
    expect(development.allows(address)).toBe(false);
  });

  it('allows a public address with a zone', () => {
    expect(strict.allows('2606:4700:4700::1111%eth0')).toBe(true);
  });
});

describe('NetworkPolicy: exemptions', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1'])('allows the loopback address %s for development', (address) => {
    expect(development.allows(address)).toBe(true);
  });

  it('allows nothing but loopback for development', () => {
    const opened = SPECIAL.filter(([what, address]) => what !== 'loopback' && development.allows(address));
    expect(opened).toEqual([]);
  });

  it('allows what the operator named, and nothing beside it', () => {
    const policy = new NetworkPolicy({ allow: ['10.1.0.0/16', 'fd00:1::/32', '169.254.169.254/32'] });
    expect(
      ['10.1.0.0', '10.1.255.255', 'fd00:1::5', '169.254.169.254'].map((address) => policy.allows(address)),
    ).toEqual([true, true, true, true]);
    expect(
      ['10.2.0.0', '10.0.255.255', 'fd00:2::5', '169.254.169.253', '127.0.0.1'].some((address) =>
        policy.allows(address),
      ),
    ).toBe(false);
  });

  it('tells what the operator named from what is public', () => {
    const policy = new NetworkPolicy({ allow: ['10.0.0.0/8'] });
    expect(policy.exempts('10.1.2.3')).toBe(true);
    expect(policy.exempts('::ffff:10.1.2.3')).toBe(true);
    for (const address of ['8.8.8.8', '11.0.0.1', '::1', '']) expect(policy.exempts(address)).toBe(false);
  });

  it('does not open embedded forms of an exempted IPv4 range', () => {
    const policy = new NetworkPolicy({ allow: ['10.0.0.0/8'], allowLoopback: true });
    for (const address of [
      '::ffff:10.0.0.1',
      '::10.0.0.1',
      '64:ff9b::10.0.0.1',
      '2002:a00:1::',
      '::ffff:127.0.0.1',
    ]) {
      expect(policy.allows(address)).toBe(false);
    }
  });

  it('opens embedded forms that the operator named', () => {
    expect(new NetworkPolicy({ allow: ['::ffff:10.0.0.0/104'] }).allows('::ffff:10.0.0.1')).toBe(true);
    expect(new NetworkPolicy({ allow: ['64:ff9b::/96'] }).allows('64:ff9b::8.8.8.8')).toBe(true);
  });

  it('takes 0.0.0.0/0 for all of IPv4 and ::/0 for all of IPv6', () => {
    expect(new NetworkPolicy({ allow: ['0.0.0.0/0'] }).allows('10.0.0.1')).toBe(true);
    expect(new NetworkPolicy({ allow: ['0.0.0.0/0'] }).allows('fd00::1')).toBe(false);
    expect(new NetworkPolicy({ allow: ['::/0'] }).allows('fd00::1')).toBe(true);
    expect(new NetworkPolicy({ allow: ['::/0'] }).allows('10.0.0.1')).toBe(false);
  });

  it.each([
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    'fd00::/129',
    'localhost/8',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    'example.com',
  ])('refuses the range %j by name', (range) => {
    expect(() => new NetworkPolicy({ allow: [range] })).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        message: expect.stringContaining(`"${range}"`) as string,
      }) as Error,
    );
  });
});

const LOOPBACK_SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '127.000.000.001',
  '2130706433',
  '0x7f000001',
  '0X7F000001',
  '0x7f.1',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0177.1',
  '017700000001',
  '127.0.0.1.',
  '127.1.',
  '①②⑦.⓪.⓪.①',
  '①②⑦.①',
  '１２７.０.０.１',
  '127。0。0。1',
  '127．0．0．1',
  '127｡0｡0｡1',
  '%31%32%37.%30.%30.%31',
  '%31%32%37%2E1',
  '127.0.0.0x1',
  '127.65535',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000:0000:0000:0000:0000:0000:0000:0001]',
  '[::0.0.0.1]',
  '[::ffff:127.0.0.1]',
  '[::FFFF:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '0',
  '0x0',
  '0.0.0.0',
  '[::]',
] as const;

describe('NetworkPolicy: literals in URLs', () => {
  it.each(LOOPBACK_SPELLINGS)('forbids http://%s/', (host) => {
    const url = new URL(`http://${host}/`);
    expect(strict.allowsLiteral(url.hostname)).toBe(false);
    expect(() => strict.checkLiteral(url, 'hub.callback')).toThrow(
      expect.objectContaining({
        code: 'forbidden_address',
        message: expect.stringContaining('hub.callback') as string,
      }) as Error,
    );
  });

  it('allows public literals', () => {
    for (const url of ['http://8.8.8.8/', 'http://134744072/', 'http://[2606:4700:4700::1111]:8080/']) {
      expect(strict.allowsLiteral(new URL(url).hostname)).toBe(true);
      expect(() => strict.checkLiteral(new URL(url), 'hub.topic')).not.toThrow();
    }
  });

  it.each([
    'localhost',
    'example.com',
    'example.com.',
    '127.0.0.1.example.com',
    '1.example',
    'a.127.0.0.1.nip.io',
    'xn--bcher-kva.example',
    '',
  ])('leaves the name %j to the resolver', (hostname) => {
    expect(strict.allowsLiteral(hostname)).toBeUndefined();
  });

  it('does not need the brackets of an IPv6 literal', () => {
    expect(strict.allowsLiteral('::1')).toBe(false);
    expect(strict.allowsLiteral('[::1]')).toBe(false);
  });

  it('forbids a literal with a zone', () => {
    expect(strict.allowsLiteral('fe80::1%eth0')).toBe(false);
    expect(strict.allowsLiteral('[fe80::1%25eth0]')).toBe(false);
  });

  it('opens loopback literals for development', () => {
    expect(() => development.checkLiteral(new URL('http://127.1/'), 'hub.callback')).not.toThrow();
    expect(() => development.checkLiteral(new URL('http://[::1]/'), 'hub.callback')).not.toThrow();
    expect(() => development.checkLiteral(new URL('http://169.254.169.254/'), 'hub.callback')).toThrow(
      WebSubError,
    );
  });
});

describe('properties of the network policy', () => {
  it('any text is allowed or forbidden, never thrown at', () => {
    const fragments = fc.array(
      fc.constantFrom('::', ':', '.', 'ffff', '0', '127', '%', '[', ']', '/', '0x', '1e9', '-1', ' '),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fragments.map((parts) => parts.join('')),
        ),
        (text) => {
          expect(typeof strict.allows(text)).toBe('boolean');
          expect(['boolean', 'undefined']).toContain(typeof strict.allowsLiteral(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('no IPv6 address is allowed outside of 2000::/3', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const first = Number.parseInt(address.startsWith('::') ? '0' : address, 16);
        expect(strict.allows(address) && (first < 0x2000 || first > 0x3fff)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('each spelling of a private address is forbidden once URL has read it', () => {
    const spelling = fc
      .tuple(fc.constantFrom(10, 127, 0), fc.nat(255), fc.nat(255), fc.nat(255), fc.constantFrom(10, 16, 8))
      .map(([a, b, c, d, base]) => {
        const write = (part: number): string =>
          (base === 10 ? '' : base === 16 ? '0x' : '0') + part.toString(base);
        return [
          [a, b, c, d],
          [a, b, c * 256 + d],
          [a, (b * 256 + c) * 256 + d],
          [((a * 256 + b) * 256 + c) * 256 + d],
        ].map((parts) => parts.map(write).join('.'));
      });
    fc.assert(
      fc.property(spelling, (hosts) => {
        expect(hosts.map((host) => strict.allowsLiteral(new URL(`http://${host}/`).hostname))).toEqual([
          false,
          false,
          false,
          false,
        ]);
      }),
    );
  });
});
