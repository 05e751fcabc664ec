import type { Position } from './log.js';

/** A cursor on the wire: `<epoch>.<position>`, meaning "after this". */
export function formatCursor(epoch: string, position: Position): string {
  return `${epoch}.${position}`;
}
