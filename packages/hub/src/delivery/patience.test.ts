import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_OVERLOAD_FLOOR_MS,
  DEFAULT_RETRY_DELAYS_SECONDS,
  DEFAULT_SUSPEND_AFTER_SECONDS,
  parseRetryAfter,
  patience,
  windowPause,
} from './patience.js';

const options = {
  retryDelaysMs: DEFAULT_RETRY_DELAYS_SECONDS.map((s) => s * 1000),
  overloadFloorMs: DEFAULT_OVERLOAD_FLOOR_MS,
  suspendAfterMs: DEFAULT_SUSPEND_AFTER_SECONDS * 1000,
};
const plain = { overloaded: false, retryAfterMs: undefined, suspension: 'none' } as const;

describe('patience', () => {
  it('H48 follows the schedule of 2.65 days, then gives up', () => {
    const delays: number[] = [];
    for (let attempts = 1; ; attempts++) {
      const verdict = patience(options, { attempts, ...plain }, 0.5);
      if (verdict.kind === 'give-up') break;
      delays.push(verdict.delayMs / 1000);
    }
    expect(delays).toEqual(DEFAULT_RETRY_DELAYS_SECONDS);
    expect(delays.reduce((sum, delay) => sum + delay) / 86_400).toBeCloseTo(2.65, 2);
  });

  it('spreads what failed together by a fifth in both directions', () => {
    expect(patience(options, { attempts: 2, ...plain }, 0)).toEqual({ kind: 'retry', delayMs: 24_000 });
    expect(patience(options, { attempts: 2, ...plain }, 0.999_999)).toEqual({
      kind: 'retry',
      delayMs: 36_000,
    });
  });

  it('waits a minute at least after a timeout, 429 or 503', () => {
    expect(patience(options, { attempts: 1, ...plain, overloaded: true }, 0.5)).toEqual({
      kind: 'retry',
      delayMs: 60_000,
    });
  });

  it('waits between once and twice as long as the callback asked for, 12 hours at most', () => {
    const asked = { attempts: 1, overloaded: true, retryAfterMs: 100_000, suspension: 'none' } as const;
    expect(patience(options, asked, 0)).toEqual({ kind: 'retry', delayMs: 100_000 });
    expect(patience(options, asked, 0.9)).toEqual({ kind: 'retry', delayMs: 190_000 });
    expect(patience(options, { ...asked, retryAfterMs: 1e12 }, 0)).toEqual({
      kind: 'retry',
      delayMs: 43_200_000,
    });
  });

  it('gives up at once without a schedule', () => {
    expect(patience({ ...options, retryDelaysMs: [] }, { attempts: 1, ...plain }, 0)).toEqual({
      kind: 'give-up',
      delayMs: 0,
    });
  });

  it('H50 tries each update of a suspended subscription once, a minute apart at least', () => {
    const suspended = { attempts: 1, ...plain, suspension: 'lasts' } as const;
    expect(patience(options, suspended, 0.5)).toEqual({ kind: 'give-up', delayMs: 60_000 });
    expect(patience(options, { ...suspended, retryAfterMs: 600_000 }, 0.5)).toEqual({
      kind: 'give-up',
      delayMs: 900_000,
    });
  });

  it('H50 tries the first update after a suspension at once, since its lease may end within the minute', () => {
    const begun = { attempts: 1, ...plain, suspension: 'begins' } as const;
    expect(patience(options, begun, 0.5)).toEqual({ kind: 'give-up', delayMs: 0 });
    expect(patience(options, { ...begun, retryAfterMs: 100_000 }, 0.5)).toEqual({
      kind: 'give-up',
      delayMs: 150_000,
    });
  });
});

describe('windowPause', () => {
  const alone = { overloaded: false, retryAfterMs: undefined };

  it('is nothing for two failures in a row: the others go on', () => {
    for (const failures of [0, 1, 2]) expect(windowPause(options, { ...alone, failures }, 0.5)).toBe(0);
  });

  it('follows the schedule from the third on, and stays at its end', () => {
    const pauses = [3, 4, 5, 30].map((failures) => windowPause(options, { ...alone, failures }, 0.5));
    expect(pauses).toEqual([5_000, 30_000, 120_000, 43_200_000]);
  });

  it('is what a callback that asks for room is given, at the first failure already', () => {
    expect(windowPause(options, { ...alone, overloaded: true, failures: 1 }, 0.5)).toBe(60_000);
    expect(windowPause(options, { ...alone, retryAfterMs: 20_000, failures: 1 }, 0.5)).toBe(30_000);
  });

  it('is nothing where nothing is tried again', () => {
    expect(windowPause({ ...options, retryDelaysMs: [] }, { ...alone, failures: 9 }, 0.5)).toBe(0);
  });
});

describe('parseRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');

  it('reads seconds and dates', () => {
    expect(parseRetryAfter('120', now)).toBe(120_000);
    expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
    expect(parseRetryAfter('Thu, 01 Jan 2020 00:01:00 GMT', now)).toBe(0);
  });

  it('takes anything else for nothing', () => {
    for (const value of [undefined, '', 'soon', '-5', '99999999999', '1.5.5'])
      expect(parseRetryAfter(value, now)).toBeUndefined();
  });
});

it('any Retry-After is a time to wait that is not negative, or nothing', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^[\d.,: GMT+-]{0,30}$/), fc.date().map(String)),
      (value) => {
        const wait = parseRetryAfter(value, Date.UTC(2026, 0, 1)) ?? 0;
        expect(wait >= 0 && Number.isFinite(wait)).toBe(true);
      },
    ),
  );
});
