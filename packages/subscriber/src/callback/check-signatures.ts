import { checkSignature, checkWebhook, webhookKey } from '@websub/shared';
import type { StoredSubscription } from '../subscription/subscription.js';

export type Checked =
  | {
      readonly kind: 'verified' | 'unsigned';
      /** Signed by sha256 or better. */
      readonly strong: boolean;
      /** Signed with its id and its time, so that a replay is recognised. */
      readonly timed: boolean;
    }
  /** `reason` reads on after "its signature". */
  | { readonly kind: 'invalid'; readonly reason: string };

const FAULTS = {
  missing: 'is missing',
  malformed: 'is malformed',
  'unknown-method': 'is by a method that is not known',
  mismatch: 'does not match',
} as const;

type Signed = Pick<StoredSubscription, 'topic' | 'secrets' | 'strongSignature' | 'timedSignature'>;

/**
 * Having sent a secret, a subscriber takes only what is signed with it (section 3.1), by the method stated (8.3); where
 * the hub also sends `webhook-signature`, that must be right and fresh too. A hub that can do better does not go back:
 * somebody who has broken sha1 would, and somebody who replays an old delivery would leave out its time.
 */
export function checkSignatures(
  subscription: Signed,
  headers: Headers,
  body: Uint8Array,
  now: number,
): Checked {
  const { secrets, strongSignature, timedSignature } = subscription;
  if (secrets.length === 0) return { kind: 'unsigned', strong: false, timed: false };
  const check = checkSignature(body, headers.get('x-hub-signature') ?? undefined, secrets);
  if (check.kind === 'invalid') return { kind: 'invalid', reason: FAULTS[check.reason] };
  const strong = check.method !== 'sha1';
  if (!strong && strongSignature === true) return { kind: 'invalid', reason: 'is weaker than before' };
  const timed = checkTimed(subscription, headers, body, now);
  if (typeof timed === 'string') return { kind: 'invalid', reason: timed };
  return !timed && timedSignature === true
    ? { kind: 'invalid', reason: 'has no webhook-signature, as earlier ones had' }
    : { kind: 'verified', strong, timed };
}

/** Whether there is a `webhook-signature`; what is wrong with it if it is not right. */
function checkTimed(
  { topic, secrets }: Signed,
  headers: Headers,
  body: Uint8Array,
  now: number,
): boolean | string {
  const signature = headers.get('webhook-signature');
  if (signature === null) return false;
  const check = checkWebhook(
    {
      id: headers.get('webhook-id') ?? undefined,
      timestamp: headers.get('webhook-timestamp') ?? undefined,
      signature,
      body,
    },
    secrets.map((secret) => webhookKey(secret, topic)),
    now,
  );
  if (check.kind === 'valid') return true;
  return check.reason === 'stale'
    ? 'is more than 5 minutes away from the clock here: a replay, or a clock that is wrong'
    : `${FAULTS[check.reason]} (webhook-signature)`;
}
