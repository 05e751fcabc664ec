import type { Dispatcher } from 'undici';
import { reasonOf } from './errors.js';
import { failureReason } from './http-client-failure.js';
import type { HttpFailureReason, HttpHeaders, HttpOutcome, HttpRequest, Post } from './http-client.js';

/** A request with its headers either way. */
export type AnyRequest = HttpRequest | (Omit<HttpRequest, 'headers'> & Pick<Post, 'headers'>);

const NOTHING = new Uint8Array();
const NO_HEADERS: HttpHeaders = {};
const IGNORED_BODY_LIMIT = 64 * 1024;
const TOTAL_TIMEOUT_MS = 15_000;
const FIRST_BYTE_TIMEOUT_MS = 10_000;

/**
 * A set of exchanges, in no order. A `Set` that changes all the time leaves tables behind, each of which keeps what it held
 * from the garbage collector until a full collection: 5 KB per delivery were, and a quarter of its time went into that.
 */
export class UnderWay {
  readonly #exchanges: Exchange[] = [];

  get size(): number {
    return this.#exchanges.length;
  }

  /** As they are now, whatever ends meanwhile. */
  all(): readonly Exchange[] {
    return [...this.#exchanges];
  }

  add(exchange: Exchange): void {
    exchange.index = this.#exchanges.push(exchange) - 1;
  }

  delete(exchange: Exchange): void {
    const { index } = exchange;
    const last = this.#exchanges.pop();
    if (last === undefined || last.index === index) return;
    this.#exchanges[index] = last;
    last.index = index;
  }
}

/** One request and its answer: undici's handler, and the state that the time limits look at. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Kept by {@link UnderWay}. */
  index = -1;
  readonly #request: AnyRequest;
  readonly #startedAt: number;
  readonly #underWay: UnderWay;
  #chunks: Uint8Array[] | undefined;
  #settle: ((outcome: HttpOutcome) => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers = NO_HEADERS;
  #received = 0;
  #onAbort: (() => void) | undefined;

  constructor(
    request: AnyRequest,
    startedAt: number,
    underWay: UnderWay,
    settle: (outcome: HttpOutcome) => void,
  ) {
    this.#request = request;
    this.#startedAt = startedAt;
    this.#underWay = underWay;
    this.#settle = settle;
    underWay.add(this);
    if (request.signal === undefined) return;
    this.#onAbort = () => this.fail('aborted', 'the request was aborted');
    request.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The time may have run out while the request waited for a connection.
    if (this.#settle === undefined) controller.abort(new Error('settled'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    if (status < 200) {
      // undici takes it for something that goes before an answer, and fails an assertion of its own when that ends.
      if (status < 100) this.fail('bad-response', `the answer is not HTTP: its status is ${status}`);
      return;
    }
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    const { answer } = this.#request;
    if (answer.kind === 'body') {
      if (this.#received > answer.maxBytes)
        this.fail('too-large', `the answer is longer than ${answer.maxBytes} bytes`);
      else (this.#chunks ??= []).push(chunk);
    } else if (answer.kind === 'prefix') {
      const surplus = Math.max(0, this.#received - answer.maxBytes);
      (this.#chunks ??= []).push(chunk.subarray(0, Math.max(0, chunk.byteLength - surplus)));
      if (surplus > 0) {
        this.#finish();
        controller.abort(new Error('more body than anybody reads'));
      }
    } else if (this.#received > IGNORED_BODY_LIMIT) {
      this.#finish();
      controller.abort(new Error('more body than anybody reads'));
    }
  }

  onResponseEnd(): void {
    this.#finish();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // For the sender of a request that wants only the status, the answer was complete with its headers.
    if (this.#status >= 200 && this.#request.answer.kind === 'status') this.#finish();
    else this.fail(failureReason(error), reasonOf(error));
  }

  checkTime(now: number): void {
    const elapsed = now - this.#startedAt;
    if (this.#status === 0 && elapsed >= (this.#request.firstByteTimeoutMs ?? FIRST_BYTE_TIMEOUT_MS)) {
      this.fail('timeout', 'no answer came in time');
    } else if (elapsed >= (this.#request.timeoutMs ?? TOTAL_TIMEOUT_MS)) {
      if (this.#status >= 200 && this.#request.answer.kind === 'status') this.#finish();
      else this.fail('timeout', 'the answer did not end in time');
      this.#controller?.abort(new Error('out of time'));
    }
  }

  fail(reason: HttpFailureReason, detail: string): void {
    this.#done({ kind: 'failure', reason, detail });
    this.#controller?.abort(new Error(detail));
  }

  #finish(): void {
    const body = this.#chunks === undefined ? NOTHING : Buffer.concat(this.#chunks);
    this.#done({ kind: 'response', status: this.#status, headers: this.#headers, body });
  }

  #done(outcome: HttpOutcome): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    this.#underWay.delete(this);
    if (this.#onAbort !== undefined) this.#request.signal?.removeEventListener('abort', this.#onAbort);
    settle(outcome);
  }
}
