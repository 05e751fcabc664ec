import { z } from 'zod';
import { ACK_MODES } from '../attachment.js';
import { WINDOW } from '../consumer-words.js';
import { GAP_POLICIES, GAP_REASONS } from '../gap.js';

/**
 * What is said over the native WebSocket (`hub.v1.json`), both ways. The hub reads what clients say by these schemas, its own words
 * have their types, and the AsyncAPI document is made of them.
 */

const LONGEST_SID = 64;
const MOST_TOPICS = 256;
const MOST_CREDIT = 1_000_000_000;
const LONGEST_DELAY_MS = 86_400_000;
const WRONG_DELAY = `delay_ms is no whole number from 0 to ${LONGEST_DELAY_MS}: send another one`;
const WRONG_WINDOW = `window is no whole number from ${WINDOW.least} to ${WINDOW.most}: send another one`;

export const SID = z
  .string('sid is missing: give the subscription a name of your own')
  .min(1, 'sid is empty: give the subscription a name')
  .max(LONGEST_SID, `sid is longer than ${LONGEST_SID} characters: shorten it`)
  .describe('The name that the client gave its subscription, unique on its connection');
const cursor = z.string().describe('A place in the log: after this');
const credit = z
  .int('credit is no whole number: send how many entries you take')
  .min(0, 'credit is negative: send how many entries you take')
  .max(MOST_CREDIT, `credit is above ${MOST_CREDIT}: leave it out to take all`);
const count = z
  .int('last is no whole number: send how many entries')
  .min(0, 'last is negative: send 0 or more');
const texts = (name: string): z.ZodArray<z.ZodString> =>
  z
    .array(
      z.string(`${name} holds something that is no text: send a list of texts`),
      `${name} is no list: send a list of texts`,
    )
    .max(MOST_TOPICS, `${name} has more than ${MOST_TOPICS}: send fewer`);
const url = (name: string): z.ZodString => z.string(`${name} is missing: send its URL`);

const from = z
  .union(
    [
      z.string().describe('A cursor, the id of an entry, `earliest`, or `latest`'),
      z.strictObject({ since: z.union([z.string(), z.number()]) }).describe('As `since` of `/v1/sse`'),
      z.strictObject({ last: count }).describe('So many of the newest'),
      z.strictObject({ look_back: z.number().min(0) }).describe('Seconds before now'),
    ],
    'from is no place: send a cursor, "earliest", "latest", {"since":…}, {"last":…} or {"look_back":…}',
  )
  .describe('Where to begin; `latest` when absent');

const auth = z
  .object({ op: z.literal('auth'), token: z.string('token is missing: send a credential') })
  .describe('Shows a credential, in place of the one before');
const sub = z
  .object({
    op: z.literal('sub'),
    sid: SID,
    topics: texts('topics').optional().describe('Topics as they are written'),
    match: texts('match').optional().describe('Topics by URL patterns'),
    type: texts('type').optional().describe('Types of entries that are wanted'),
    where: texts('where').optional().describe('Conditions that all have to hold'),
    filter: z
      .record(z.string(), z.unknown(), 'filter is no object: send {"eq":["payload.state","done"]}')
      .optional(),
    from: from.optional(),
    credit: credit.optional().describe('Entries that may come before more is asked for; absent: all'),
    consumer: z
      .string('consumer is no text: send a name')
      .optional()
      .describe('A place with a name that the hub keeps, for whatever reads with it'),
    client: z
      .string('client is no text: send a random text')
      .optional()
      .describe('Whose the consumer is, where no credential says it: a secret of the client'),
    ack: z
      .enum(['none', ...ACK_MODES], 'ack is none of none, auto, explicit: choose one')
      .optional()
      .describe('How a consumer acknowledges: `auto` (by pongs) when absent'),
    window: z
      .int(WRONG_WINDOW)
      .min(WINDOW.least, WRONG_WINDOW)
      .max(WINDOW.most, WRONG_WINDOW)
      .optional()
      .describe(`Entries that may be given and not acknowledged; ${WINDOW.usual} when absent`),
    upto: z
      .string('upto is no text: send a cursor')
      .optional()
      .describe('Acknowledged before anything is given'),
    on_gap: z
      .enum(GAP_POLICIES, `on_gap is none of ${GAP_POLICIES.join(', ')}: choose one`)
      .optional()
      .describe('What to do where something is missing; `earliest` when absent'),
    format: z.enum(['envelope'], 'format is not envelope: leave it out').optional(),
  })
  .describe('Begins to read');
const unsub = z.object({ op: z.literal('unsub'), sid: SID }).describe('Ends a subscription');
const rewind = z.object({ op: z.literal('rewind'), sid: SID, from }).describe('Goes on at another place');
const credits = z
  .object({ op: z.literal('credit'), sid: SID, n: credit.describe('Further entries that may come') })
  .describe('Takes more entries; answered only when it is wrong');
const ack = z
  .object({
    op: z.literal('ack'),
    sid: SID,
    upto: z.string('upto is no text: send a cursor').optional().describe('Everything up to this entry'),
    cursor: z.string('cursor is no text: send one').optional().describe('This entry alone'),
  })
  .refine(
    (word) => (word.upto === undefined) !== (word.cursor === undefined),
    'ack has none or both of upto and cursor: send one',
  )
  .describe('Acknowledges what a consumer was given; answered when it is on stable storage');
const nack = z
  .object({
    op: z.literal('nack'),
    sid: SID,
    cursor: z.string('cursor is missing: send the one of an entry that was given'),
    delay_ms: z.int(WRONG_DELAY).min(0, WRONG_DELAY).max(LONGEST_DELAY_MS, WRONG_DELAY).optional(),
  })
  .describe('Asks for an entry again, after a while');
const pause = z.object({ op: z.literal('pause'), sid: SID }).describe('Takes nothing for a while');
const resume = z.object({ op: z.literal('resume'), sid: SID }).describe('Goes on after a pause');
const pub = z
  .object({
    op: z.literal('pub'),
    topic: url('topic'),
    id: z.string('id is no text').optional().describe('The same id within 24 hours is one entry'),
    type: z.string('type is no text').optional(),
    subject: z.string('subject is no text').optional(),
    content_type: z
      .string('content_type is no text')
      .optional()
      .describe('`application/json` when absent; with `data_base64`, bytes'),
    data: z.unknown().optional().describe('Any JSON; text where `content_type` is not JSON'),
    data_base64: z.base64('data_base64 is no base64: encode it').optional(),
  })
  .describe('Publishes; answered when it is on stable storage');
const presence = z
  .object({
    op: z.literal('presence'),
    topic: url('topic'),
    name: z.string('name is no text').optional().describe('Who it is, where no token says it'),
    state: z.unknown().describe('What others shall know, any JSON; `null` for who has gone'),
  })
  .describe('Says who is there, to whoever may read the topic, until the connection ends');
const ping = z
  .object({ op: z.literal('ping'), t: z.unknown().optional().describe('Comes back with the pong') })
  .describe('Asks whether the hub is there');

/** Everything that a client may say. */
export const CLIENT_WORDS = {
  auth,
  sub,
  unsub,
  rewind,
  ack,
  nack,
  credit: credits,
  pause,
  resume,
  pub,
  presence,
  ping,
};
export type ClientOp = keyof typeof CLIENT_WORDS;
export type ClientWord = z.output<(typeof CLIENT_WORDS)[ClientOp]>;
export type Word<Op extends ClientOp> = z.output<(typeof CLIENT_WORDS)[Op]>;

const welcome = z
  .object({
    op: z.literal('welcome'),
    session: z.string().describe('The id of the connection'),
    epoch: z.string().describe('Which log it is: cursors of another one are of no use here'),
    heartbeat_s: z.int().describe('Seconds between two pings of the hub'),
    limits: z.object({ subs: z.int(), window_bytes: z.int() }),
    resumed: z
      .literal(false)
      .describe('Subscriptions do not outlive a connection: subscribe again, from the last cursor'),
  })
  .describe('The first message');
const ref = z.string().describe('The op that this answers');
const ok = z
  .object({
    op: z.literal('ok'),
    ref,
    sid: SID.optional(),
    cursor: cursor
      .optional()
      .describe('Where the subscription begins; the entry that was acknowledged, or published'),
    id: z.string().optional().describe('The id of the entry that was published'),
    exp: z
      .int()
      .nullable()
      .optional()
      .describe('When the credential ends, in seconds since 1970; null for never'),
  })
  .describe('It is done');
const err = z
  .object({
    op: z.literal('err'),
    ref,
    sid: SID.optional(),
    code: z.int().describe('The kind of the error, as in the codes of close frames'),
    error: z.string().describe('Its name'),
    detail: z.string().describe('A sentence with the cure'),
    retry: z.boolean().describe('Whether the same may succeed later'),
  })
  .describe('It is not done; or, with the ref `sub`, the subscription has ended');
/** An entry as it is told, in whatever words. */
export const ENVELOPE = z.object({
  cursor,
  id: z.string(),
  topic: z.string(),
  type: z.string().optional(),
  subject: z.string().optional(),
  time: z.iso.datetime(),
  received_at: z.iso.datetime(),
  content_type: z.string(),
  headers: z.record(z.string(), z.string()),
  data: z.unknown().optional().describe('The body: JSON as it is, other text as a string'),
  data_base64: z.string().optional().describe('A body that is no text'),
});
const ev = z.object({ op: z.literal('ev'), sid: SID, ...ENVELOPE.shape }).describe('An entry');
const gap = z
  .object({
    op: z.literal('gap'),
    sid: SID,
    requested: z.string(),
    resumed_after: cursor,
    lost: z.int().nullable(),
    reason: z.enum(GAP_REASONS),
  })
  .describe('Something is missing');
const live = z
  .object({ op: z.literal('live'), sid: SID, cursor })
  .describe('Everything that there is was given');
const expiring = z
  .object({ op: z.literal('expiring'), exp: z.int().describe('Seconds since 1970') })
  .describe('The credential ends soon: show another one');
const bye = z
  .object({
    op: z.literal('bye'),
    code: z.int(),
    reason: z.string(),
    reconnect: z.boolean().describe('Whether coming back makes sense'),
    after_ms: z.int().optional().describe('When to come back, so that not all come at once'),
  })
  .describe('The last message before the close frame');
const pong = z.object({ op: z.literal('pong'), t: z.unknown().optional() }).describe('Answers a ping');

/** Everything that the hub says. */
export const SERVER_WORDS = { welcome, ok, err, ev, gap, live, expiring, bye, pong };
export type ServerWord = z.output<(typeof SERVER_WORDS)[Exclude<keyof typeof SERVER_WORDS, 'ev'>]>;
