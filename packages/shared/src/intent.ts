/** What a hub asks or tells a callback by GET (sections 5.2 and 5.3). */
export type IntentQuery =
  | {
      readonly mode: 'subscribe' | 'unsubscribe';
      readonly topic: string;
      readonly challenge: string;
      /** Seconds granted; REQUIRED for subscribe, absent or ignored for unsubscribe (section 5.3). */
      readonly leaseSeconds?: number;
      readonly verifyToken?: string;
    }
  | { readonly mode: 'denied'; readonly topic: string; readonly reason?: string };

/** Random bytes in a challenge: 32, written as 43 characters of `[A-Za-z0-9_-]`. */
export const CHALLENGE_BYTES = 32;

// Echoing anything else would let a stranger make the callback's host reflect markup.
const SAFE_CHALLENGE = /^[A-Za-z0-9._~-]{1,512}$/;

export function isSafeChallenge(challenge: string): boolean {
  return SAFE_CHALLENGE.test(challenge);
}

/**
 * The callback with the query appended. The callback's own characters, its query string included, are kept exactly and
 * never overwritten (section 5.1.1), which is why it is not rebuilt through `URL`.
 */
export function intentUrl(callback: string, query: IntentQuery): string {
  const params = new URLSearchParams({ 'hub.mode': query.mode, 'hub.topic': query.topic });
  if (query.mode === 'denied') {
    if (query.reason !== undefined) params.set('hub.reason', query.reason);
  } else {
    params.set('hub.challenge', query.challenge);
    if (query.leaseSeconds !== undefined) params.set('hub.lease_seconds', String(query.leaseSeconds));
    if (query.verifyToken !== undefined) params.set('hub.verify_token', query.verifyToken);
  }
  return callback + separatorAfter(callback) + params.toString();
}

function separatorAfter(callback: string): string {
  const start = callback.indexOf('?');
  if (start < 0) return '?';
  // Only the first question mark begins the query; a later one is part of a value.
  return start === callback.length - 1 || callback.endsWith('&') ? '' : '&';
}

/**
 * Reads the query of a GET to a callback; `undefined` when it is none of a hub's. Where the callback's own query holds
 * the same names, the last value is the hub's, since hubs append.
 */
export function parseIntentQuery(params: URLSearchParams): IntentQuery | undefined {
  const last = (name: string): string | undefined => params.getAll(name).at(-1);
  const mode = last('hub.mode');
  const topic = last('hub.topic');
  if (topic === undefined) return undefined;
  if (mode === 'denied') {
    const reason = last('hub.reason');
    return { mode, topic, ...(reason === undefined ? {} : { reason }) };
  }
  const challenge = last('hub.challenge');
  if ((mode !== 'subscribe' && mode !== 'unsubscribe') || challenge === undefined) return undefined;
  const lease = last('hub.lease_seconds') ?? '';
  const verifyToken = last('hub.verify_token');
  return {
    mode,
    topic,
    challenge,
    ...(/^\d+$/.test(lease) && mode === 'subscribe'
      ? { leaseSeconds: Math.min(Number(lease), Number.MAX_SAFE_INTEGER) }
      : {}),
    ...(verifyToken === undefined ? {} : { verifyToken }),
  };
}
