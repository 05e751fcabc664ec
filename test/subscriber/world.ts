import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { TestClock } from '@websub/shared';
import {
  SubscriberListener,
  type ListenerOptions,
  type Notification,
  type SubscriberServiceOptions,
  type SubscriptionDenial,
  type SubscriptionView,
  type WebSubError,
} from '@websub/subscriber';
import { FakeHub, type FakeHubOptions } from '@websub/subscriber/testing';
import { vi } from 'vitest';

/** A page as the publisher serves it: its answer, or what it does with the request. */
export type Page =
  | {
      readonly status?: number;
      readonly headers?: Record<string, string | string[]>;
      readonly body?: string | Uint8Array;
    }
  | ((request: IncomingMessage, response: ServerResponse) => void);

/** A web server with pages that a test puts there. */
export class Site implements AsyncDisposable {
  readonly url: string;
  readonly pages = new Map<string, Page>();
  readonly requests: IncomingMessage[] = [];
  readonly #server;

  private constructor(server: ReturnType<typeof createServer>, url: string) {
    this.#server = server;
    this.url = url;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.requests.push(request);
      const page = this.pages.get(request.url ?? '/');
      if (typeof page === 'function') page(request, response);
      else if (page === undefined) response.writeHead(404).end();
      else response.writeHead(page.status ?? 200, page.headers).end(page.body);
    });
  }

  static async start(port = 0): Promise<Site> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new Site(server, `http://127.0.0.1:${(server.address() as { port: number }).port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** What a listener told, by event. */
export class Told {
  readonly verified: SubscriptionView[] = [];
  readonly renewed: SubscriptionView[] = [];
  readonly denied: SubscriptionDenial[] = [];
  readonly expired: SubscriptionView[] = [];
  readonly unsubscribed: SubscriptionView[] = [];
  readonly unhandled: Notification[] = [];
  readonly errors: WebSubError[] = [];

  constructor(listener: SubscriberListener) {
    listener
      .on('verified', (view) => this.verified.push(view))
      .on('renewed', (view) => this.renewed.push(view))
      .on('denied', (denial) => this.denied.push(denial))
      .on('expired', (view) => this.expired.push(view))
      .on('unsubscribed', (view) => this.unsubscribed.push(view))
      .on('unhandled', (notification) => this.unhandled.push(notification))
      .on('error', (error) => this.errors.push(error));
  }
}

/** Handlers that keep what they are given. */
export class Inbox {
  readonly notifications: Notification[] = [];

  onEventNotification(notification: Notification): void {
    this.notifications.push(notification);
  }

  get texts(): readonly string[] {
    return this.notifications.map((notification) => notification.text());
  }
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export interface World extends AsyncDisposable {
  readonly hub: FakeHub;
  readonly site: Site;
  readonly clock: TestClock;
  readonly listener: SubscriberListener;
  readonly told: Told;
  readonly inbox: Inbox;
  /** The topic at the hub, without discovery. */
  readonly target: readonly [hub: string, topic: string];
  /** Attaches the inbox and starts. */
  start(options?: SubscriberServiceOptions): ReturnType<SubscriberListener['start']>;
}

/** A hub, a publisher's site and a listener, on loopback, with time that stands still. */
export async function openWorld(
  options: {
    readonly hub?: FakeHubOptions;
    readonly listener?: ListenerOptions;
    readonly port?: number;
  } = {},
): Promise<World> {
  const hub = await FakeHub.start(options.hub);
  const site = await Site.start();
  const clock = new TestClock();
  const listener = new SubscriberListener(options.port ?? 0, {
    logger: silent,
    ...options.listener,
    ports: { clock, ...options.listener?.ports },
  });
  const inbox = new Inbox();
  const target = [hub.url, `${site.url}/feed`] as const;
  return {
    hub,
    site,
    clock,
    listener,
    inbox,
    told: new Told(listener),
    target,
    async start(service = {}) {
      await listener.attachWithConfig(inbox, { target, ...service });
      return listener.start();
    },
    async [Symbol.asyncDispose]() {
      await listener.immediateStop();
      await hub.close();
      await site[Symbol.asyncDispose]();
    },
  };
}

/**
 * Settles when `look` no longer throws; for what happens in the background. `between` happens before each further look,
 * such as a step of the clock.
 */
export function until(look: () => unknown, between?: () => Promise<void>): Promise<void> {
  return vi.waitFor(
    async () => {
      try {
        await look();
      } catch (thrown) {
        await between?.();
        throw thrown;
      }
    },
    { timeout: 5_000, interval: 2 },
  );
}
