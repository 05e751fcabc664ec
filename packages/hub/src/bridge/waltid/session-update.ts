import { z } from 'zod';
import type { Entry } from '../../log/log.js';
import { jsonMember, onOneLine } from '../json-member.js';
import type { Payloads } from '../payload.js';
import type { Show } from '../sse-codec.js';

// What becomes the name of an event, and travels in headers.
const EVENT = /^[\x21-\x7e]{1,256}$/;

const optionalText = (field: string) =>
  z.string(`${field} is not text: send text, or leave it out`).nullish();

/** A `KtorSessionUpdate` of walt.id. What else is in it is passed on with it. */
export const sessionUpdateBody = z.looseObject(
  {
    target: z.string('target is missing, or is no text: name what the address names'),
    event: z
      .string('event is missing, or is no text: name what happened, such as STATUS_CHANGED')
      .regex(EVENT, 'event is not 1 to 256 visible ASCII characters: choose another name'),
    session: z.record(z.string(), z.unknown(), 'session is missing, or is no object: send the session'),
    requestId: optionalText('requestId'),
    error: optionalText('error'),
    error_description: optionalText('error_description'),
  },
  'the update is no object: send {"target": …, "event": …, "session": {…}}',
);

/** The whole update, as walt.id's services send it. */
export function showUpdate(payloads: Payloads): Show {
  return (entry) => ({ data: oneLineOf(payloads, entry) });
}

/** The session only, in an event of the update's name, as the route in walt.id's documentation sends it. */
export function showSession(payloads: Payloads): Show {
  return (entry) => {
    const whole = oneLineOf(payloads, entry);
    const payload = payloads.of(entry);
    if (payload.kind !== 'json') return { name: entry.type, data: whole };
    const update = sessionUpdateBody.safeParse(payload.value);
    return {
      name: entry.type ?? update.data?.event,
      data: (update.success ? jsonMember(whole, 'session') : undefined) ?? whole,
    };
  };
}

/** Clients that read lines and not events take each line for an update. */
function oneLineOf(payloads: Payloads, entry: Entry): string {
  const text = payloads.textOf(entry);
  return payloads.of(entry).kind === 'json' ? onOneLine(text) : text;
}
