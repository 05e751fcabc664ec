import type { Entry } from '../../log/log.js';
import type { Filter, Path } from '../filter.js';
import { onOneLine } from '../json-member.js';
import type { OwnTopics } from '../own-topics.js';
import type { Payload, Payloads } from '../payload.js';
import type { Show } from '../sse-codec.js';

/** The event that somebody waits for. */
export interface AwaitedEvent {
  /** A field of the event's payload, at its top, and what it has to be: text, and nothing that looks like it. */
  readonly field: string;
  readonly fieldId: string;
  readonly state: string;
  /** All of which the event has to be of. */
  readonly groups: readonly string[];
}

// Of a publication that is the payload alone, which says the rest in headers.
const GROUP_HEADER = 'x-group-id';
const ORIGIN_HEADER = 'x-origin';
const USUAL_ORIGIN = 'hub';

/** The events that are wanted, whether the whole event was published or its payload alone. */
export function walletFilter({ field, fieldId, state, groups }: AwaitedEvent): Filter {
  const inPayload = (...names: readonly string[]): Path => ({ of: 'payload', names });
  const is = (path: Path, value: string): Filter => ({ op: 'is', path, value });
  const whole = [
    is(inPayload('payload', field), fieldId),
    is(inPayload('payload', 'state'), state),
    ...groups.map((group) => is(inPayload('group_id'), group)),
  ];
  const payloadAlone = [
    is(inPayload(field), fieldId),
    is(inPayload('state'), state),
    ...groups.map((group) => is({ of: 'header', name: GROUP_HEADER }, group)),
  ];
  return {
    op: 'or',
    all: [
      { op: 'and', all: whole },
      { op: 'and', all: payloadAlone },
    ],
  };
}

/** `{"wallet_id", "topic", "origin", "group_id", "payload"}` on one line, as Waypoint sends it. */
export function showWalletEvent(payloads: Payloads, ownTopics: OwnTopics): Show {
  return (entry) => {
    const text = onOneLine(payloads.textOf(entry));
    return { data: isWhole(payloads.of(entry)) ? text : wrapped(entry, ownTopics, text) };
  };
}

function isWhole(payload: Payload): boolean {
  if (payload.kind !== 'json' || typeof payload.value !== 'object' || payload.value === null) return false;
  const { wallet_id: wallet, payload: inner }: Readonly<Record<string, unknown>> = { ...payload.value };
  return typeof wallet === 'string' && typeof inner === 'object' && inner !== null;
}

/** The payload as it was published, so that no number in it loses digits. */
function wrapped({ topic, headers }: Entry, ownTopics: OwnTopics, payload: string): string {
  const [wallet, name] = ownTopics.namesOf('wallets', topic);
  const head = JSON.stringify({
    wallet_id: wallet,
    topic: name,
    origin: headers[ORIGIN_HEADER] ?? USUAL_ORIGIN,
    group_id: headers[GROUP_HEADER] ?? null,
  });
  return `${head.slice(0, -1)},"payload":${payload}}`;
}
