/** A request as the hub and the subscriber make them. Redirects are never followed by the client itself. */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Milliseconds until the first byte of the answer; default 10,000. */
  readonly firstByteTimeoutMs?: number;
  /** Milliseconds until the end of the answer; default 15,000. */
  readonly timeoutMs?: number;
  /** How much of the answer's body is wanted. */
  readonly answer: AnswerLimit;
  readonly signal?: AbortSignal;
}

/**
 * - `status`: only status and headers count. The body is read and dropped so that the connection can be used again, up to
 *   64 KiB, and whatever happens after the headers changes nothing.
 * - `body`: the whole body, at most `maxBytes`; a longer one fails as `too-large`.
 * - `prefix`: the first `maxBytes` of the body; the connection of a longer one is ended there.
 */
export type AnswerLimit =
  | { readonly kind: 'status' }
  | { readonly kind: 'body'; readonly maxBytes: number }
  | { readonly kind: 'prefix'; readonly maxBytes: number };

export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface HttpResponse {
  readonly kind: 'response';
  readonly status: number;
  /** Names in lower case. */
  readonly headers: HttpHeaders;
  readonly body: Uint8Array;
}

/** `unreachable`: the connection broke, or could not be had for another reason than those that have a name of their own. */
export type HttpFailureReason =
  | 'forbidden-address'
  | 'dns'
  | 'refused'
  | 'tls'
  | 'unreachable'
  | 'timeout'
  | 'too-large'
  | 'bad-response'
  | 'aborted';

/** What became of a request, in few enough words to count by. */
export type OutcomeClass = '2xx' | '3xx' | '4xx' | '5xx' | HttpFailureReason;

/** The class of an answer's status; one that HTTP does not know is a bad response. */
export function statusClass(status: number): OutcomeClass {
  switch (Math.floor(status / 100)) {
    case 2:
      return '2xx';
    case 3:
      return '3xx';
    case 4:
      return '4xx';
    case 5:
      return '5xx';
    default:
      return 'bad-response';
  }
}

/** No usable answer came. `detail` is a short sentence without secrets. */
export interface HttpFailure {
  readonly kind: 'failure';
  readonly reason: HttpFailureReason;
  readonly detail: string;
}

/** What became of a request. */
export type HttpOutcome = HttpResponse | HttpFailure;

/** HTTP requests as a port. Tests may put their own behind it; the product's is {@link UndiciHttpClient}. */
export interface HttpClient {
  /** Settles when the answer is there as far as `answer` wants it, or when the attempt failed; never rejects. */
  send(request: HttpRequest): Promise<HttpOutcome>;
  /** As `send`, for whoever makes very many POSTs and leaves no promise behind for each. See {@link posting}. */
  readonly post?: PostRequest;
  /** Ends all connections; requests under way settle as `aborted`. */
  close(): Promise<void>;
}

/** A POST of which only status and headers of the answer count. */
export interface Post {
  readonly url: string;
  /** Names and values in turns. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** Makes a POST and calls `settled` once; at once when it cannot be made. */
export type PostRequest = (post: Post, settled: (outcome: HttpOutcome) => void) => void;

/** How to make POSTs with this client. */
export function posting(client: HttpClient): PostRequest {
  return (
    client.post ??
    (({ url, headers, body }, settled) => {
      const byName: Record<string, string> = {};
      for (let at = 0; at + 1 < headers.length; at += 2) byName[headers[at]!] = headers[at + 1]!;
      void client
        .send({ method: 'POST', url, headers: byName, body, answer: { kind: 'status' } })
        .then(settled);
    })
  );
}

/** One header as text; several lines of it joined as RFC 9110 §5.3 allows. */
export function headerText(headers: HttpHeaders, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return value === undefined || typeof value === 'string' ? value : value.join(', ');
}
