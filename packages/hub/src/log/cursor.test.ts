import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatCursor, parseCursor } from './cursor.js';
import type { Position } from './log.js';

const EPOCH = 'k3x9';

it('a cursor reads back as the position that it was written for, and only in its own log', () => {
  fc.assert(
    fc.property(fc.nat(), (number) => {
      // A position as a log would have given it.
      const position = number as Position;
      expect(parseCursor(EPOCH, formatCursor(EPOCH, position))).toBe(position);
      expect(parseCursor('other', formatCursor(EPOCH, position))).toBeUndefined();
    }),
  );
});

it('any text is a position that is exact, or none', () => {
  const text = fc.oneof(
    fc.string(),
    fc.stringMatching(/^k3x9\.\d{0,20}$/),
    fc.stringMatching(/^[a-z0-9.]{0,20}$/),
  );
  fc.assert(
    fc.property(text, (cursor) => {
      const position = parseCursor(EPOCH, cursor);
      expect(position === undefined ? cursor : formatCursor(EPOCH, position)).toBe(cursor);
    }),
  );
});
