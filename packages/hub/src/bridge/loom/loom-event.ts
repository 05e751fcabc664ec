import { z } from 'zod';
import type { Entry } from '../../log/log.js';
import type { Payload } from '../payload.js';
import type { LoomAddress } from './loom-topics.js';

/** An event as Zaikio Loom gives it to its readers. */
export const loomEventSchema = z.object({
  id: z.string().describe('a UUID, or the id of an update that was published to the topic of the event'),
  timestamp: z.string().describe('when it happened, as its publisher says; RFC 3339'),
  name: z.string().describe('APP.EVENT'),
  version: z.string().describe("of the payload's structure"),
  payload: z.unknown().describe('null for none'),
  link: z.string().nullable().describe('where there is more about it'),
  received_at: z.string().describe('when the hub took it; RFC 3339'),
  subject: z.string().describe('what it is about: Org/ID'),
});
export type LoomEvent = Readonly<z.output<typeof loomEventSchema>>;

/** An event as its publisher sends it. */
export type NewLoomEvent = Omit<LoomEvent, 'received_at'>;

/** What is wrong, by field, as Loom says it. */
export const loomErrorsSchema = z.object({ errors: z.record(z.string(), z.array(z.string())) });
export type LoomErrors = Readonly<Record<string, readonly string[]>>;

/** Bytes of a serialized payload have to be fewer. */
const PAYLOAD_BYTES = 256;
const BLANK = "can't be blank";

/** `<app>.<event>`, which also is a segment of a topic. */
export const EVENT_NAME = /^[\w-]+(?:\.[\w-]+)+$/;
const LONGEST_NAME = 128;
const SUBJECT = /^[A-Z][A-Za-z]{0,31}\/[\w.-]{1,64}$/;
const SNAKE_CASE = /^[a-z_][a-z0-9_]*$/;

const text = z.string({
  error: ({ input }) => (input === undefined || input === null ? BLANK : 'is not text'),
});

const newEvent = z.object({
  id: text.pipe(z.guid('is not a UUID')).transform((id) => id.toLowerCase()),
  timestamp: text.refine(isTime, 'is not an ISO 8601 time: write 2026-11-21T09:00:00Z'),
  name: text
    .max(LONGEST_NAME, `is longer than ${LONGEST_NAME} characters`)
    .regex(EVENT_NAME, 'is not APP.EVENT: write mission_control.job_added'),
  version: z.union(
    [text.min(1, BLANK).max(32, 'is longer than 32 characters'), z.number().transform(String)],
    {
      error: ({ input }) => (input === undefined || input === null ? BLANK : 'is neither text nor a number'),
    },
  ),
  payload: z
    .record(z.string(), z.unknown(), 'must be a hash')
    .refine(hasSnakeCaseKeys, 'has a key that is not in lowercase snake_case')
    .refine(isSmall, `must be smaller than ${PAYLOAD_BYTES} bytes`)
    .nullable()
    .default(null),
  link: z
    .url({ protocol: /^https?$/, error: 'is not an http or https URL' })
    .max(2_048, 'is longer than 2048 characters')
    .nullable()
    .default(null),
  subject: text.regex(SUBJECT, 'is not KIND/ID: write Org/837ebb91-2d4b-4818-a19b-04fea7be8cde'),
});

const request = z.object({ event: z.unknown() });

/** The body of `POST /api/v1/events`. */
export const newLoomEventSchema = z.object({ event: newEvent });

/** Reads the body of `POST /api/v1/events`: `{"event": {…}}`. */
export function readNewEvent(
  body: unknown,
):
  | { readonly kind: 'read'; readonly event: NewLoomEvent }
  | { readonly kind: 'wrong'; readonly errors: LoomErrors } {
  const wrapped = request.safeParse(body);
  if (!wrapped.success || typeof wrapped.data.event !== 'object' || wrapped.data.event === null)
    return { kind: 'wrong', errors: { event: ['is missing: send {"event": {…}}'] } };
  const parsed = newEvent.safeParse(wrapped.data.event);
  return parsed.success
    ? { kind: 'read', event: parsed.data }
    : { kind: 'wrong', errors: errorsOf(parsed.error.issues) };
}

function errorsOf(issues: readonly z.core.$ZodIssue[]): LoomErrors {
  const errors: Record<string, string[]> = {};
  for (const { path, message } of issues) (errors[String(path[0])] ??= []).push(message);
  return errors;
}

const storedEvent = z.object({
  id: z.string(),
  timestamp: z.string(),
  name: z.string(),
  version: z.string(),
  payload: z.unknown().optional(),
  link: z.string().nullish(),
  // Of what was published to the topic by other means it may be anything.
  received_at: z.iso.datetime().optional().catch(undefined),
});

/**
 * The entry as an event. What was published as an event is given as it was; anything else that was published to such a
 * topic is the payload of one.
 */
export function loomEventOf(
  { id, publishedAt, content }: Entry,
  payload: Payload,
  { name, subject }: LoomAddress,
): LoomEvent {
  const receivedAt = new Date(publishedAt).toISOString();
  const stored = payload.kind === 'json' ? storedEvent.safeParse(payload.value) : undefined;
  if (stored?.success === true && stored.data.id === id && stored.data.name === name) {
    const { timestamp, version, payload: given = null, link = null, received_at = receivedAt } = stored.data;
    return { id, timestamp, name, version, payload: given, link, received_at, subject };
  }
  return {
    id,
    timestamp: receivedAt,
    name,
    version: '1.0',
    payload: valueOf(payload, content.body),
    link: null,
    received_at: receivedAt,
    subject,
  };
}

/** The body as a value: JSON as it is, other text as a string, and what is no text as `{"data_base64": …}`. */
function valueOf(payload: Payload, body: Uint8Array): unknown {
  switch (payload.kind) {
    case 'json':
      return payload.value;
    case 'text':
      return payload.text;
    case 'binary':
      return { data_base64: Buffer.from(body).toString('base64') };
  }
}

const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/i;

function isTime(value: string): boolean {
  return ISO_8601.test(value) && !Number.isNaN(Date.parse(value));
}

function isSmall(value: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(value)) < PAYLOAD_BYTES;
}

/** Of objects in lists and objects too. Ends with the value, which came as bounded JSON. */
function hasSnakeCaseKeys(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(hasSnakeCaseKeys);
  return Object.entries(value).every(([key, held]) => SNAKE_CASE.test(key) && hasSnakeCaseKeys(held));
}
