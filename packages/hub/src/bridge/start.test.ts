import { WebSubError } from '@websub/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startOf } from './start.js';

const NOON = Date.UTC(2026, 10, 21, 12);

describe('where a reader begins', () => {
  it.each([
    ['k7f2m9qa.10482', { kind: 'cursor', cursor: 'k7f2m9qa.10482' }],
    ['k7f2m9qa.0', { kind: 'cursor', cursor: 'k7f2m9qa.0' }],
    ['earliest', { kind: 'earliest' }],
    ['latest', { kind: 'latest' }],
    ['last:0', { kind: 'last', count: 0 }],
    ['last:10', { kind: 'last', count: 10 }],
    ['2026-11-21T12:00:00Z', { kind: 'time', time: NOON }],
    ['2026-11-21t13:00:00.250+01:00', { kind: 'time', time: NOON + 250 }],
    ['1795262400', { kind: 'time', time: 1_795_262_400_000 }],
    ['1795262400123', { kind: 'time', time: 1_795_262_400_123 }],
    ['0', { kind: 'time', time: 0 }],
    ['order-7', { kind: 'id', id: 'order-7' }],
    ['urn:uuid:0b5c', { kind: 'id', id: 'urn:uuid:0b5c' }],
    ['K7F2M9QA.10482', { kind: 'id', id: 'K7F2M9QA.10482' }],
    ['k7f2m9qa.010', { kind: 'id', id: 'k7f2m9qa.010' }],
  ])('since=%s', (since, start) => {
    expect(startOf({ since }, NOON)).toEqual(start);
  });

  it('is so many seconds ago with look_back', () => {
    expect(startOf({ lookBack: '60' }, NOON)).toEqual({ kind: 'time', time: NOON - 60_000 });
    expect(startOf({ lookBack: '0.5' }, NOON)).toEqual({ kind: 'time', time: NOON - 500 });
  });

  it('is now for who says nothing', () => {
    expect(startOf({}, NOON)).toEqual({ kind: 'latest' });
    expect(startOf({ lastEventId: '', since: '', lookBack: '' }, NOON)).toEqual({ kind: 'latest' });
  });

  it('is where the last event was, before what the address says, and that before look_back', () => {
    const words = { lastEventId: 'k.7', since: 'earliest', lookBack: '60' };
    expect(startOf(words, NOON)).toEqual({ kind: 'cursor', cursor: 'k.7' });
    expect(startOf({ ...words, lastEventId: undefined }, NOON)).toEqual({ kind: 'earliest' });
  });

  it('takes the id of the last event for no time, since a publisher may count its entries', () => {
    expect(startOf({ lastEventId: '1795262400' }, NOON)).toEqual({ kind: 'id', id: '1795262400' });
  });

  it.each([
    [{ since: 'last:' }, 'last:N'],
    [{ since: 'last:-1' }, 'last:N'],
    [{ since: 'last:10001' }, 'last:N'],
    [{ since: '2026-13-21T12:00:00Z' }, 'no such time'],
    [{ since: 'x'.repeat(257) }, 'longer than 256'],
    [{ lookBack: '-1' }, 'look_back'],
    [{ lookBack: 'a minute' }, 'look_back'],
    [{ lookBack: '99999999999' }, 'look_back'],
  ])('is refused when it is %j', (words, sentence) => {
    expect(() => startOf(words, NOON)).toThrow(sentence);
  });
});

it('any words tell a place, or are refused with the cure', () => {
  const word = fc.option(
    fc.oneof(
      fc.string(),
      fc.stringMatching(/^[\d.:TZ+-]{0,30}$/),
      fc.constantFrom('last:', 'last:1e9', 'latest', 'k.0'),
    ),
    { nil: undefined },
  );
  fc.assert(
    fc.property(word, word, word, (lastEventId, since, lookBack) => {
      const begin = (): void => {
        const start = startOf({ lastEventId, since, lookBack }, NOON);
        if (start.kind === 'time' && !Number.isFinite(start.time)) throw new Error('no time');
      };
      expect(outcomeOf(begin)).toMatch(/^(?:understood|refused)$/);
    }),
  );
});

/** Whether it was understood, or refused with the cure. */
function outcomeOf(act: () => void): string {
  try {
    act();
    return 'understood';
  } catch (error) {
    return error instanceof WebSubError && /: \S/.test(error.message) ? 'refused' : String(error);
  }
}
