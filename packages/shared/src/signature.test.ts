import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSubError } from './errors.js';
import { checkSecret, checkSignature, isSignatureMethod, sign, SIGNATURE_METHODS } from './signature.js';

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const FOX = bytes('The quick brown fox jumps over the lazy dog');

// RFC 2202 and RFC 4231, test case 2, and the well-known vectors of the fox under the secret "key".
const JEFE = bytes('what do ya want for nothing?');
const VECTORS = [
  ['Jefe', JEFE, 'sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'],
  ['Jefe', JEFE, 'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  [
    'Jefe',
    JEFE,
    'sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649',
  ],
  [
    'Jefe',
    JEFE,
    'sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  ],
  ['key', FOX, 'sha1=de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9'],
  ['key', FOX, 'sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8'],
  ['key', new Uint8Array(), 'sha256=5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0'],
] as const;

describe('sign', () => {
  it.each(VECTORS)('with the secret %s signs as published (%#)', (secret, body, header) => {
    const method = SIGNATURE_METHODS.find((name) => header.startsWith(`${name}=`));
    expect(sign(body, secret, method)).toBe(header);
  });

  it('uses SHA-256 unless told otherwise (H55)', () => {
    expect(sign(FOX, 'key')).toBe('sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8');
  });

  it('takes a secret as UTF-8', () => {
    expect(checkSignature(FOX, sign(FOX, 'schlüssel😀'), ['schlüssel😀']).kind).toBe('valid');
    expect(sign(FOX, 'é')).not.toBe(sign(FOX, 'e\u0301'));
  });
});

describe('checkSignature', () => {
  it.each(VECTORS)('with the secret %s takes what was published (%#)', (secret, body, header) => {
    expect(checkSignature(body, header, [secret])).toEqual({
      kind: 'valid',
      method: header.slice(0, header.indexOf('=')),
    });
  });

  it('does not mind capitals or spaces around', () => {
    const header = sign(FOX, 'key', 'sha512').toUpperCase();
    expect(checkSignature(FOX, ` ${header.replace('=', ' = ')} `, ['key'])).toEqual({
      kind: 'valid',
      method: 'sha512',
    });
  });

  it.each([[undefined], ['']])('tells a missing signature: %j', (header) => {
    expect(checkSignature(FOX, header, ['key'])).toEqual({ kind: 'invalid', reason: 'missing' });
  });

  const good = sign(FOX, 'key').slice('sha256='.length);

  it.each([
    ['no equals sign', good],
    ['no method', `=${good}`, 'unknown-method'],
    ['no value', 'sha256='],
    ['only an equals sign', '='],
    ['only spaces', '   '],
    ['a value cut short', `sha256=${good.slice(2)}`],
    ['half a byte less', `sha256=${good.slice(1)}`],
    ['a value too long', `sha256=${good}00`],
    ['four digits appended (websub.rocks 301)', `sha256=${good}1234`],
    ['the length of another method', `sha1=${good}`],
    ['letters beyond f', `sha256=${good.slice(0, -1)}g`],
    ['base64', `sha256=${Buffer.from(good, 'hex').toString('base64')}`],
    ['a list of two', `sha256=${good}, sha256=${good}`],
    ['NUL behind the value', `sha256=${good}\0`],
    ['digits of another script', `sha256=${'٣'.repeat(64)}`],
    ['full-width digits', `sha256=${'０'.repeat(64)}`],
    ['an 0x in front', `sha256=0x${good.slice(2)}`],
    ['a second equals sign', `sha256==${good}`],
    ['a megabyte', `sha256=${'a'.repeat(1_000_000)}`],
    ['an unknown method', `md5=${good.slice(0, 32)}`, 'unknown-method'],
    ['a method with a hyphen', `sha-256=${good}`, 'unknown-method'],
    ['a method that OpenSSL knows', `sha3-256=${good}`, 'unknown-method'],
    ['a method named like a member of an object', `constructor=${good}`, 'unknown-method'],
    ['the method __proto__', `__proto__=${good}`, 'unknown-method'],
  ])('refuses without throwing: %s', (_what, header, reason = 'malformed') => {
    expect(checkSignature(FOX, header, ['key'])).toEqual({ kind: 'invalid', reason });
  });

  it.each(SIGNATURE_METHODS)('finds any changed bit of a %s signature and of the body', (method) => {
    const header = sign(FOX, 'key', method);
    const changed = header.slice(0, -1) + (header.endsWith('0') ? '1' : '0');
    expect(checkSignature(FOX, changed, ['key'])).toEqual({ kind: 'invalid', reason: 'mismatch' });
    expect(checkSignature(bytes('The quick brown fox jumps over the lazy cog'), header, ['key']).kind).toBe(
      'invalid',
    );
    expect(checkSignature(FOX, header, ['Key']).kind).toBe('invalid');
  });

  it('takes any of several secrets while one is rotated', () => {
    const header = sign(FOX, 'new');
    expect(checkSignature(FOX, header, ['old', 'new']).kind).toBe('valid');
    expect(checkSignature(FOX, header, ['new', 'old']).kind).toBe('valid');
    expect(checkSignature(FOX, header, ['old', 'older'])).toEqual({ kind: 'invalid', reason: 'mismatch' });
  });

  it('takes nothing when there is no secret', () => {
    expect(checkSignature(FOX, sign(FOX, ''), [])).toEqual({ kind: 'invalid', reason: 'mismatch' });
  });

  it('looks only at the bytes of a view', () => {
    const whole = new Uint8Array([9, 9, ...FOX, 9]);
    expect(checkSignature(whole.subarray(2, -1), sign(FOX, 'key'), ['key']).kind).toBe('valid');
  });
});

describe('checkSecret', () => {
  it.each(['x', 'x'.repeat(199), `${'é'.repeat(99)}x`, ' ', '\0'])(
    'gives back a secret of 1 to 199 bytes (%#)',
    (secret) => {
      expect(checkSecret(secret)).toBe(secret);
    },
  );

  it.each(['', 'x'.repeat(200), 'é'.repeat(100), '😀'.repeat(50)])(
    'refuses an empty one and 200 bytes (%#)',
    (secret) => {
      expect(() => checkSecret(secret)).toThrow(WebSubError);
    },
  );

  it('does not tell the secret when it refuses it', () => {
    expect(() => checkSecret('S3CRET'.repeat(50))).toThrow(
      /^hub\.secret has 300 bytes: it must be shorter than 200 bytes$/,
    );
  });
});

describe('isSignatureMethod', () => {
  it('knows the four methods of section 7.1 and no other', () => {
    expect(SIGNATURE_METHODS.every(isSignatureMethod)).toBe(true);
    expect(['SHA1', 'sha224', 'md5', '', 'toString', '__proto__'].some(isSignatureMethod)).toBe(false);
  });
});

describe('properties of the signature', () => {
  const body = fc.uint8Array({ maxLength: 500 });
  const secret = fc.string({ unit: 'binary', minLength: 1, maxLength: 49 });

  it('what was signed is valid by the same secret, and only by it', () => {
    fc.assert(
      fc.property(
        body,
        secret,
        secret,
        fc.constantFrom(...SIGNATURE_METHODS),
        (signed, own, other, method) => {
          const header = sign(signed, own, method);
          expect(checkSignature(signed, header, [own])).toEqual({ kind: 'valid', method });
          expect(checkSignature(signed, header, [`${own}x`, `${other}${own}`]).kind).toBe('invalid');
        },
      ),
    );
  });

  it('any header is judged, never thrown at', () => {
    const parts = fc.array(
      fc.constantFrom('sha1', 'sha256', '=', ' ', 'ab', 'f'.repeat(40), 'f'.repeat(64), ',', '\0', 'é'),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          parts.map((list) => list.join('')),
        ),
        (header) => {
          expect(checkSignature(FOX, header, ['key']).kind).toBe('invalid');
        },
      ),
      { numRuns: 2000 },
    );
  });
});
