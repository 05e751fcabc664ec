/**
 * The catalogue of codes. A code is stable: programs may compare it, the wording of the message may change.
 *
 * `retryable` says whether the same call may succeed later without anybody changing anything.
 */
export const ERROR_CODES = {
  invalid_request: { retryable: false },
  unsupported_media_type: { retryable: false },
  too_large: { retryable: false },
  forbidden_address: { retryable: false },
  invalid_signature: { retryable: false },
  invalid_signature_method: { retryable: false },
  invalid_configuration: { retryable: false },
  discovery_failed: { retryable: false },
  unreachable: { retryable: true },
  timeout: { retryable: true },
  hub_refused: { retryable: false },
  hub_unavailable: { retryable: true },
  publish_refused: { retryable: false },
  denied: { retryable: false },
  gone: { retryable: false },
  invalid_payload: { retryable: false },
  handler_failed: { retryable: true },
  retry_later: { retryable: true },
  store_full: { retryable: true },
  store_failed: { retryable: false },
  store_damaged: { retryable: false },
  store_newer: { retryable: false },
  unknown_key: { retryable: false },
  store_in_use: { retryable: false },
  stopped: { retryable: true },
} as const satisfies Record<string, { readonly retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Misuse, a refusal or a broken world, with a stable `code` and a message that ends with the cure. */
export class WebSubError extends Error {
  override readonly name: string = 'WebSubError';
  /** One of {@link ErrorCode}; typed so that it can be compared with any string. */
  readonly code: ErrorCode | (string & {});
  /** Whether the same call may succeed later unchanged. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.retryable = ERROR_CODES[code].retryable;
  }
}

/** Text of anything thrown, for messages and events; never empty, never throws. */
export function reasonOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown);
    // Node's error for several failed connections has no message, only the errors themselves.
    const first = thrown instanceof AggregateError && thrown.message === '' ? thrown.errors[0] : undefined;
    return first === undefined ? String(thrown.message || thrown.name) : reasonOf(first);
  } catch {
    return 'something was thrown that has no text';
  }
}
