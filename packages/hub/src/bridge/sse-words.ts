import { z } from 'zod';
import { GAP_REASONS } from './gap.js';
import type { ControlEvent } from './sse-format.js';

const cursor = z.string().describe('A place in the log: after this');
const retryMs = z.int().describe('Milliseconds after which to come back');

/** What the data of the hub's own events on a stream is, which are JSON. The AsyncAPI document is made of it. */
export const SSE_WORDS: Readonly<Record<ControlEvent, z.ZodObject>> = {
  stream: z.object({ stream: z.string() }).describe('The id of the stream (with `control=stream`)'),
  gap: z
    .object({
      requested: z.string(),
      resumed_after: cursor,
      lost: z.int().nullable(),
      reason: z.enum(GAP_REASONS),
    })
    .describe('Something is missing'),
  live: z.object({ cursor }).describe('Everything that there is was given (with `control=live`)'),
  expiring: z.object({ exp: z.int().describe('Seconds since 1970') }).describe('The credential ends soon'),
  busy: z
    .object({ reason: z.enum(['too_many', 'not_ready']), retry_ms: retryMs })
    .describe('There is no room, or the hub starts; the stream has ended'),
  bye: z.object({ reason: z.string(), retry_ms: retryMs }).describe('The stream ends'),
  timeout: z.object({ cursor }).describe('The stream ends, as `timeout` said'),
};
