import { WebSubError } from '@websub/shared';

/** Why a reader was not given everything (LAW 12). */
export const GAP_REASONS = [
  /** Retention has removed it. */
  'evicted',
  /** The cursor is another log's. */
  'epoch',
  /** No entry has the id, or the cursor is ahead of the log. */
  'unknown',
  /** What is stored is not what was published. */
  'damaged',
] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** What is told of entries that a reader is not given. */
export interface Gap {
  /** What it asked for, or where it stood. */
  readonly requested: string;
  /** The cursor after which it goes on. */
  readonly resumedAfter: string;
  /** How many are missing; `null` when nobody knows. */
  readonly lost: number | null;
  readonly reason: GapReason;
}

/** What a reader wants when there is a gap: everything that is left, what is new, or nothing at all. */
export const GAP_POLICIES = ['earliest', 'latest', 'fail'] as const;
export type GapPolicy = (typeof GAP_POLICIES)[number];

/** As it goes over the wire. */
export interface GapView {
  readonly requested: string;
  readonly resumed_after: string;
  readonly lost: number | null;
  readonly reason: GapReason;
}

export function gapView({ requested, resumedAfter, lost, reason }: Gap): GapView {
  return { requested, resumed_after: resumedAfter, lost, reason };
}

/** The same as JSON for a header, which holds visible ASCII only: what a reader asked for may be anything. */
export function gapHeader(gap: Gap): string {
  return JSON.stringify(gapView(gap)).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What was asked for is not all there any more, and the reader wants nothing less. */
export function incomplete(requested: string, reason: GapReason): WebSubError {
  return new WebSubError(
    'gone',
    `what follows ${requested} is not complete any more (${reason}): read from since=earliest, or let on_gap decide`,
  );
}
