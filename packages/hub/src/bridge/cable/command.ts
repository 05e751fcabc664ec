import { z } from 'zod';
import type { PresenceRecord } from '../presence.js';

/** Where an AnyCable client stands in a stream, as it was told with the last message. */
interface StreamPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** What an AnyCable client wants to be given again. */
export interface HistoryWish {
  /** Seconds since the epoch. */
  readonly since: number | undefined;
  /** By the names of streams. */
  readonly streams: Readonly<Record<string, StreamPosition>>;
}

/** What a client performs on its subscription, by `message`. */
export type Action =
  /** Everything up to this was worked on. */
  | { readonly action: 'ack'; readonly upTo: Mark }
  /** Gives again what follows. */
  | { readonly action: 'rewind'; readonly to: Mark | { readonly since: string } | { readonly last: number } }
  | { readonly action: 'pause' }
  | { readonly action: 'resume' }
  | { readonly action: 'unknown'; readonly name: string };

/** An entry, or a place in the log. */
export type Mark = { readonly id: string } | { readonly cursor: string };

/** What a client says. */
export type Command =
  | {
      readonly command: 'subscribe';
      readonly identifier: string;
      readonly history?: HistoryWish | undefined;
      readonly presence?: PresenceRecord | undefined;
    }
  | { readonly command: 'unsubscribe' | 'leave' | 'presence'; readonly identifier: string }
  | { readonly command: 'message'; readonly identifier: string; readonly action: Action }
  | { readonly command: 'history'; readonly identifier: string; readonly history: HistoryWish }
  | { readonly command: 'join'; readonly identifier: string; readonly presence: PresenceRecord }
  | { readonly command: 'pong' };

const LONGEST_IDENTIFIER = 8_192;
const LONGEST_PRESENCE = 2_048;
const MOST_STREAMS = 256;
/** The last second that a date can be of. */
const LATEST_SECONDS = 8_640_000_000_000;

const identifier = z.string().max(LONGEST_IDENTIFIER);
const streamPosition = z.object({ epoch: z.string().max(64), offset: z.int().nonnegative() });
const history = z.object({
  since: z
    .number()
    .nonnegative()
    .max(LATEST_SECONDS)
    .nullish()
    .transform((since) => since ?? undefined),
  streams: z
    .record(z.string(), streamPosition)
    .refine((streams) => Object.keys(streams).length <= MOST_STREAMS)
    .nullish()
    .transform((streams) => streams ?? {}),
});
const presence = z
  .object({
    id: z.union([z.string().min(1).max(256), z.number().transform(String)]),
    info: z.unknown().optional(),
  })
  .transform(({ id, info = null }) => ({ id, info }))
  .refine(({ info }) => JSON.stringify(info).length <= LONGEST_PRESENCE);

const command = z.discriminatedUnion('command', [
  z.object({
    command: z.literal('subscribe'),
    identifier,
    // Whoever says it wrongly is not left without an answer.
    history: history.optional().catch(undefined),
    presence: presence.optional().catch(undefined),
  }),
  z.object({ command: z.enum(['unsubscribe', 'leave', 'presence']), identifier }),
  z.object({ command: z.literal('message'), identifier, data: z.string() }),
  z.object({ command: z.literal('history'), identifier, history }),
  z.object({ command: z.literal('join'), identifier, presence }),
  z.object({ command: z.literal('pong') }),
]);

const mark = z.union([
  z.object({ cursor: z.string().max(64) }).strip(),
  z.object({ id: z.string().min(1).max(256) }).strip(),
]);
const since = z.union([z.string().min(1).max(256), z.int().nonnegative()]).transform(String);
const action = z.discriminatedUnion('action', [
  z.object({ action: z.literal('ack') }).loose(),
  z.object({ action: z.literal('rewind') }).loose(),
  z.object({ action: z.literal('pause') }),
  z.object({ action: z.literal('resume') }),
]);
const rewindTarget = z.union([
  mark,
  z.object({ since }).strip(),
  z.object({ last: z.int().nonnegative() }).strip(),
]);

/** Reads a frame. `undefined` for what is no command, or one that is not known: Rails takes no notice of those, either. */
export function readCommand(frame: string): Command | undefined {
  const parsed = command.safeParse(jsonOf(frame));
  if (!parsed.success) return undefined;
  if (parsed.data.command !== 'message') return parsed.data;
  const { identifier: of, data } = parsed.data;
  const performed = actionOf(jsonOf(data));
  return performed && { command: 'message', identifier: of, action: performed };
}

function actionOf(data: unknown): Action | undefined {
  const parsed = action.safeParse(data);
  if (!parsed.success) {
    const named = z.object({ action: z.string().max(64) }).safeParse(data);
    return named.success ? { action: 'unknown', name: named.data.action } : undefined;
  }
  switch (parsed.data.action) {
    case 'pause':
    case 'resume':
      return { action: parsed.data.action };
    case 'ack': {
      const upTo = mark.safeParse(data);
      return upTo.success ? { action: 'ack', upTo: upTo.data } : { action: 'unknown', name: 'ack' };
    }
    case 'rewind': {
      const to = rewindTarget.safeParse(data);
      return to.success ? { action: 'rewind', to: to.data } : { action: 'unknown', name: 'rewind' };
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
