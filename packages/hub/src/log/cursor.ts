import type { Position } from './log.js';

/** A cursor on the wire: `<epoch>.<position>`, meaning "after this". */
export function formatCursor(epoch: string, position: Position): string {
  return `${epoch}.${position}`;
}

/** The position that a cursor of this log names; `undefined` for anything else, cursors of other logs included. */
export function parseCursor(epoch: string, cursor: string): Position | undefined {
  const match = /^([a-z0-9]+)\.(0|[1-9]\d{0,15})$/.exec(cursor);
  // What a log has written as a cursor is a position.
  return match?.[1] === epoch ? (Number(match[2]) as Position) : undefined;
}
