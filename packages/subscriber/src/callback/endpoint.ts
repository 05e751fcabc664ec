import { parseIntentQuery, reasonOf, WebSubError } from '@websub/shared';
import type { Life } from '../lifecycle/life.js';
import { idIn } from '../service/callback-url.js';
import type { Service } from '../service/service.js';
import type { StoredSubscription } from '../subscription/subscription.js';
import type { Delivery } from './delivery.js';
import { answer, comeAgain, type CallbackRequest, type Outcome } from './exchange.js';
import { isExpected, type Verification } from './verification.js';

export interface EndpointParts {
  readonly life: Life;
  readonly verification: Verification;
  readonly delivery: Delivery;
  /** Whether the listener was started and not stopped: only then it knows what it is subscribed to. */
  isOpen(): boolean;
  services(): readonly Service[];
  serviceOf(subscription: StoredSubscription): Service | undefined;
  report(error: WebSubError): void;
}

/** All callbacks: finds the subscription by the URL alone (section 7), and what is wanted of it by the method. */
export class Endpoint {
  readonly #parts: EndpointParts;

  constructor(parts: EndpointParts) {
    this.#parts = parts;
  }

  /** Whether the URL can be a callback of ours; {@link handle} sees whether it is. */
  concerns(request: Pick<CallbackRequest, 'url' | 'originalUrl'>): boolean {
    return idIn(split(request.url).pathname) !== undefined || this.#exactCallbacks(request).length > 0;
  }

  /** `undefined`: the URL is no callback of ours. Never rejects. */
  async handle(request: CallbackRequest): Promise<Outcome | undefined> {
    if (!this.concerns(request)) return undefined;
    // Not 404 or 410: the hub would take a restart for the end of its subscriptions.
    if (!this.#parts.isOpen()) return { answer: comeAgain() };
    try {
      return await this.#handle(request);
    } catch (cause) {
      const error =
        cause instanceof WebSubError
          ? cause
          : new WebSubError('handler_failed', `a callback failed: ${reasonOf(cause)}`, { cause });
      this.#parts.report(error);
      return { answer: answer(500, 'the subscriber failed'), error };
    }
  }

  async #handle(request: CallbackRequest): Promise<Outcome | undefined> {
    const { pathname, searchParams } = split(request.url);
    const exact = this.#exactCallbacks(request);
    const id = idIn(pathname);
    const found = id === undefined ? undefined : await this.#parts.life.find(id);
    const subscription = found ?? this.#atExactCallback(exact, request.method, searchParams);
    if (subscription === undefined) return exact.length > 0 ? { answer: answer(404) } : undefined;
    const service = this.#parts.serviceOf(subscription);
    // Stored by a service that is not attached now; it may be at the next start.
    if (service === undefined) return { answer: comeAgain() };
    return this.#byMethod(subscription, service, request, searchParams);
  }

  async #byMethod(
    subscription: StoredSubscription,
    service: Service,
    request: CallbackRequest,
    params: URLSearchParams,
  ): Promise<Outcome> {
    const { verification, delivery } = this.#parts;
    if (request.method === 'POST') return delivery.receive(subscription, service, request);
    if (request.method === 'GET') return { answer: await verification.answer(subscription, service, params) };
    return { answer: answer(405, 'send GET or POST', { allow: 'GET, POST' }) };
  }

  /** The callbacks of services that have one of their own, as far as this request may be for them. */
  #exactCallbacks({ url, originalUrl }: Pick<CallbackRequest, 'url' | 'originalUrl'>): readonly string[] {
    const { pathname, searchParams } = split(url);
    const asSent = split(originalUrl).pathname;
    const here = this.#parts.services().flatMap(({ settings: { callback, path } }) => {
      if (callback.kind !== 'exact') return [];
      const own = new URL(callback.url);
      const isHere = asSent === own.pathname || (path !== '/' && pathname === path);
      if (!isHere || !isPartOf(own.searchParams, searchParams)) return [];
      return [{ callback: callback.url, parameters: own.searchParams.size }];
    });
    // Of …/cb and …/cb?s=1 the second one is meant where s=1 stands.
    const most = Math.max(...here.map(({ parameters }) => parameters));
    return here.filter(({ parameters }) => parameters === most).map(({ callback }) => callback);
  }

  /** While one subscription takes over from another, both have the same callback. */
  #atExactCallback(
    callbacks: readonly string[],
    method: string,
    params: URLSearchParams,
  ): StoredSubscription | undefined {
    const here = this.#parts.life.known.filter(({ callback }) => callbacks.includes(callback));
    const query = method === 'GET' ? parseIntentQuery(params) : undefined;
    const asked = here.filter(
      (one) => query !== undefined && query.mode !== 'denied' && isExpected(one, query),
    );
    const active = here.find(({ state }) => state === 'active');
    return asked.find(({ pending }) => pending !== undefined) ?? active ?? asked[0] ?? here[0];
  }
}

/** Section 5.1: a hub keeps the query of a callback, and adds its own parameters to it. */
function isPartOf(own: URLSearchParams, sent: URLSearchParams): boolean {
  return [...own].every(([name, value]) => sent.getAll(name).includes(value));
}

/** Path and query as they stand; whatever a client sends as the target of its request, such as `//`, is no URL of ours. */
function split(target: string): { readonly pathname: string; readonly searchParams: URLSearchParams } {
  const [pathname = '', ...query] = target.split('?');
  return { pathname, searchParams: new URLSearchParams(query.join('?')) };
}
