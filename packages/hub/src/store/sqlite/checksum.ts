import { crc32 } from 'node:zlib';
import type { Database } from './sqlite-driver.js';

/**
 * Gives statements the function `checksum(text)`. SQLite has no checksums of pages: a bit that flipped in a callback's
 * URL passes its own integrity check, and content would go to somebody else.
 */
export function defineChecksum(database: Database): void {
  database.function('checksum', { deterministic: true }, (text) => crc32(String(text)));
}
