import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SealedSecret } from '../../subscription/sealed-secret.js';
import { KeyRing } from './key-ring.js';

const OLD = 'the old key, of more than 32 characters';
const NEW = 'the new key, of more than 32 characters';

describe('a secret', () => {
  it('opens as it was sealed, for the subscription that it was sealed for', () => {
    const ring = new KeyRing([NEW]);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, subscription) => {
        expect(ring.open(ring.seal(secret, subscription), subscription)).toBe(secret);
      }),
    );
  });

  it('opens for no other subscription', () => {
    const ring = new KeyRing([NEW]);
    expect(() => ring.open(ring.seal('secret', 'a'), 'b')).toThrow(
      expect.objectContaining({ code: 'store_damaged' }),
    );
  });

  it('shows nothing of itself, and is never sealed twice alike', () => {
    const ring = new KeyRing([NEW]);
    const [first, second] = [ring.seal('secret', 'a'), ring.seal('secret', 'a')];
    expect(first).not.toContain('secret');
    expect(first).not.toBe(second);
    expect(ring.keyOf(first)).toBe(ring.keyOf(second));
  });

  it('never opens to something else when any of its characters is another', () => {
    const ring = new KeyRing([NEW]);
    const secret = ring.seal('secret', 'a');
    for (let index = 0; index < secret.length; index++) {
      const damaged = `${secret.slice(0, index)}${secret[index] === 'a' ? 'b' : 'a'}${secret.slice(index + 1)}`;
      expect(opened(ring, damaged as SealedSecret)).not.toBe('something else');
      expect([undefined, 'secret']).toContain(opened(ring, damaged as SealedSecret));
    }
    for (const odd of ['', 'v1.', 'v1.00000000.', `v1.${ring.keyOf(secret)}.AAAA`])
      expect(opened(ring, odd as SealedSecret)).toBeUndefined();
  });
});

describe('several keys', () => {
  it('the first seals, all open, and what another than the first sealed is outdated', () => {
    const before = new KeyRing([OLD]).seal('secret', 'a');
    const ring = new KeyRing([NEW, OLD]);
    expect(ring.open(before, 'a')).toBe('secret');
    expect(ring.standingOf(before)).toBe('outdated');
    expect(ring.standingOf(ring.seal('secret', 'a'))).toBe('current');
  });

  it('a key that is not among them opens nothing and is named', () => {
    const before = new KeyRing([OLD]).seal('secret', 'a');
    const ring = new KeyRing([NEW]);
    expect(ring.standingOf(before)).toBe('unknown');
    expect(opened(ring, before)).toBeUndefined();
    expect(ring.keyOf(before)).toMatch(/^[0-9a-f]{8}$/);
  });
});

describe('without a key', () => {
  it('a secret is kept as it came, and is outdated as soon as there is a key', () => {
    const before = new KeyRing([]).seal('v1.looks.sealed', 'a');
    expect(new KeyRing([]).open(before, 'a')).toBe('v1.looks.sealed');
    expect(new KeyRing([]).standingOf(before)).toBe('current');
    expect(new KeyRing([NEW]).standingOf(before)).toBe('outdated');
    expect(new KeyRing([NEW]).open(before, 'a')).toBe('v1.looks.sealed');
  });
});

function opened(ring: KeyRing, secret: SealedSecret): string | undefined {
  try {
    return ring.open(secret, 'a');
  } catch {
    return undefined;
  }
}
