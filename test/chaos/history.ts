/** What happened in a run, in order. `at` is in milliseconds on one monotonic clock. */
export type HistoryEvent =
  /** A request to subscribe or unsubscribe was sent, and answered 202. */
  | { readonly kind: 'intent-asked'; readonly at: number; readonly subscription: string; readonly mode: Mode }
  | {
      readonly kind: 'intent-accepted';
      readonly at: number;
      readonly subscription: string;
      readonly mode: Mode;
    }
  /** The challenge has left the callback. */
  | {
      readonly kind: 'intent-confirmed';
      readonly at: number;
      readonly subscription: string;
      readonly mode: Mode;
    }
  /** An update was offered to the hub: with content, or by a ping. Its number rises within its topic. */
  | {
      readonly kind: 'publish-asked';
      readonly at: number;
      readonly topic: string;
      readonly seq: number;
      readonly how: How;
    }
  | { readonly kind: 'publish-accepted'; readonly at: number; readonly topic: string; readonly seq: number }
  /** A delivery arrived. `intact`: body, signature and Link are what they must be. */
  | {
      readonly kind: 'received';
      readonly at: number;
      /** Names this delivery; its `answered` has the same. */
      readonly delivery: number;
      readonly subscription: string;
      readonly topic: string;
      readonly seq: number;
      readonly id: string;
      readonly intact: boolean;
    }
  /** Our answer to a delivery has left. */
  | { readonly kind: 'answered'; readonly at: number; readonly delivery: number; readonly status: number }
  /** SIGKILL, SIGTERM, and the end of the process; `ready` when it serves again. */
  | { readonly kind: 'killed'; readonly at: number }
  | { readonly kind: 'terminated'; readonly at: number }
  | { readonly kind: 'exited'; readonly at: number; readonly status: number | string | null }
  | { readonly kind: 'ready'; readonly at: number };

export type Mode = 'subscribe' | 'unsubscribe';
/** `content`: every update is owed. `ping`: a version at least as new is owed, as pings may be one fetch. */
export type How = 'content' | 'ping';

/** Which topic a subscription is for, so that loss can be told from the history alone, and whether its order is promised. */
export type Subscriptions = ReadonlyMap<string, { readonly topic: string; readonly unordered?: boolean }>;
