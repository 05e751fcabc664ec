import { z } from 'zod';

const accessId = (field: string) =>
  z
    .string(`${field} is missing, or is no text: name a client`)
    .min(1, `${field} is empty: name a client`)
    .regex(/^\P{Surrogate}*$/u, `${field} is not Unicode: name a client by whole characters`);
const time = (field: string) =>
  z.int(`${field} is missing, or is no whole number of up to 15 digits: send one of your own clock`);

/** Events for one request at most: they are stored as one, and others wait meanwhile. */
const MOST_EVENTS = 10_000;

/** One event, for whoever has announced this access id. */
const pushedEvent = z.object(
  {
    accessid: accessId('accessid'),
    created_at: time('created_at').describe(
      'by the clock of who sends it; clients ask for events from a time on',
    ),
    payload: z.string('payload is missing, or is no text: send text, such as JSON in a string'),
  },
  'an event is no object: send {"accessid": …, "created_at": …, "payload": …}',
);
export type PushedEvent = z.output<typeof pushedEvent>;

/** The body of `POST /push_events`. */
export const pushedEvents = z
  .array(pushedEvent, 'this is no list: send [{"accessid": …, "created_at": …, "payload": …}]')
  .max(MOST_EVENTS, `there are more than ${MOST_EVENTS} events: send several requests`);

/** The body of `POST /drop_user`. */
export const droppedUser = z.object(
  { drop_access_id: accessId('drop_access_id') },
  'this is no object: send {"drop_access_id": …}',
);

const announcement = z.object({ access_id: accessId('access_id'), timestamp: time('timestamp') });
/** What a client says first: who it is, and from when on it wants events. */
export type Announcement = z.output<typeof announcement>;

/** `undefined` for what is none. */
export function announcementOf(text: string): Announcement | undefined {
  try {
    return announcement.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The event as it is stored, and as clients are given it: the names in the order of notifier's own. */
export function textOfEvent({ accessid, created_at, payload }: PushedEvent): string {
  return JSON.stringify({ accessid, created_at, payload });
}
