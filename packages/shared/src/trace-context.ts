import type { Random } from './random.js';

/** Where in a distributed trace something was asked for (W3C Trace Context); both are header values that were checked. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
/** The flags that are defined: sampled, and that the trace id is random. */
const KNOWN_FLAGS = 0b11;

const MEMBER_KEY = /^[a-z0-9][a-z0-9_\-*/]{0,240}(@[a-z][a-z0-9_\-*/]{0,13})?$/;
const MEMBER_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;
const MOST_MEMBERS = 32;
/** What section 3.3.1.5 asks everybody to pass on at least; more of it is a stranger's to fill. */
const LONGEST_STATE = 512;

/**
 * The context of a request, from its `traceparent` and `tracestate`. `undefined` without a valid `traceparent`, which takes
 * the state with it; a state that is not valid is left out alone (W3C Trace Context, sections 3.2 and 3.3). A higher version
 * is read, and passed on, as far as version 00 goes.
 */
export function parseTraceContext(
  traceparent: string | undefined,
  tracestate: string | undefined,
): TraceContext | undefined {
  const [, version = '', traceId = '', parentId = '', flags = '', rest] =
    TRACEPARENT.exec(traceparent?.trim() ?? '') ?? [];
  if (version === '' || version === 'ff' || ZEROS.test(traceId) || ZEROS.test(parentId)) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  const known = (Number.parseInt(flags, 16) & KNOWN_FLAGS).toString(16).padStart(2, '0');
  const state = tracestate === undefined ? '' : passedOn(tracestate);
  return {
    traceparent: `00-${traceId}-${parentId}-${known}`,
    ...(state === '' ? {} : { tracestate: state }),
  };
}

/** The headers of a request that is made because of the one whose context this is: a span of its own in the same trace. */
export function childHeaders(
  context: TraceContext | undefined,
  random: Random,
): Readonly<Record<string, string>> {
  if (context === undefined) return {};
  const { traceparent, tracestate } = context;
  const child = `${traceparent.slice(0, 36)}${spanId(random)}${traceparent.slice(52)}`;
  return { traceparent: child, ...(tracestate === undefined ? {} : { tracestate }) };
}

const SPAN_BYTES = 8;

function spanId(random: Random): string {
  const id = Buffer.from(random.token(SPAN_BYTES), 'base64url').toString('hex');
  // The one id that means none.
  return ZEROS.test(id) ? '0000000000000001' : id;
}

/** The members as they came, those at the end left out where they are too long in all; empty when one is not valid. */
function passedOn(tracestate: string): string {
  const members = tracestate
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
  const keys = members.map((member) => member.slice(0, Math.max(0, member.indexOf('='))));
  const valid =
    members.length <= MOST_MEMBERS &&
    new Set(keys).size === keys.length &&
    members.every(
      (member, n) => MEMBER_KEY.test(keys[n]!) && MEMBER_VALUE.test(member.slice(keys[n]!.length + 1)),
    );
  if (!valid) return '';
  // Each round takes one away, so this ends.
  while (members.join(',').length > LONGEST_STATE) members.pop();
  return members.join(',');
}
