import {
  formatLinkHeader,
  parseHubRequest,
  type HttpClient,
  type HttpFailure,
  type HttpRequest,
  type HttpResponse,
  type SubscribeRequest,
  type UnsubscribeRequest,
} from '@websub/shared';

export const HUB = 'https://hub.test/';

/**
 * A hub and a publisher behind the HttpClient port: no sockets. Every page names this hub and itself; every request is
 * accepted and given to `onRequest`.
 */
export class InProcessHub implements HttpClient {
  readonly #onRequest: (request: SubscribeRequest | UnsubscribeRequest) => void;

  constructor(onRequest: (request: SubscribeRequest | UnsubscribeRequest) => void) {
    this.#onRequest = onRequest;
  }

  send(request: HttpRequest): Promise<HttpResponse | HttpFailure> {
    if (request.method !== 'POST') return Promise.resolve(page(request.url));
    const asked = parseHubRequest(Buffer.from(request.body ?? ''));
    if (asked.mode === 'subscribe' || asked.mode === 'unsubscribe') this.#onRequest(asked);
    return Promise.resolve({ kind: 'response', status: 202, headers: {}, body: new Uint8Array() });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function page(url: string): HttpResponse {
  const link = formatLinkHeader([
    { rel: 'hub', href: HUB },
    { rel: 'self', href: url },
  ]);
  return { kind: 'response', status: 200, headers: { link }, body: new Uint8Array() };
}
