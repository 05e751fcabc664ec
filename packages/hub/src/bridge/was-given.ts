import { parseCursor } from '../log/cursor.js';
import type { Bridge } from './bridge.js';
import { matches } from './filter.js';
import type { Payload } from './payload.js';
import { mayReceive, type Permit } from './permit.js';
import type { ReadRequest } from './read-request.js';

/**
 * Whether the client comes back with the id of an event that it waited for: then it has what it wanted, and 204 keeps an
 * `EventSource` from waiting for the next one. A wait that timed out comes back with an id of nothing that it wanted.
 */
export async function wasGiven(
  { log, payloads }: Bridge,
  { selection, filter, start, resumes }: ReadRequest,
  permit: Permit,
): Promise<boolean> {
  if (!resumes || start.kind !== 'cursor') return false;
  const position = parseCursor(log.epoch, start.cursor);
  if (position === undefined) return false;
  const [at] = await log.contentsThrough(position, 1);
  if (at?.position !== position || !selection.includes(at.topic)) return false;
  const entry = await log.find(at.topic, position);
  if (entry === undefined || entry.corrupt) return false;
  const payload = (): Payload => payloads.of(entry);
  return mayReceive(permit, entry, payload) && (filter === undefined || matches(filter, entry, payload));
}
