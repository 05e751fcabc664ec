import { createHmac } from 'node:crypto';
import {
  Body,
  Controller,
  Injectable,
  Module,
  Post,
  Scope,
  type INestApplication,
  type ModuleMetadata,
  type NestApplicationOptions,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  ConfigurationError,
  OnEvent,
  SubscriberListener,
  SubscriberService,
  type AttachedService,
  type Notification,
  type SubscriptionView,
} from '@websub/subscriber';
import { WebSubModule, type WebSubModuleOptions } from '@websub/subscriber/nest';
import { FakeHub } from '@websub/subscriber/testing';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { silent } from './world.js';

const TOPIC = 'https://tracker.example/issues';

/** A provider of the application's, as a database would be. */
@Injectable()
class Archive {
  readonly saved: string[] = [];
}

class IssueOpened {
  id!: number;
  title!: string;
}

@SubscriberService({ path: '/issues' })
class Issues {
  constructor(private readonly archive: Archive) {}

  @OnEvent({ header: ['X-Event', 'issueOpened'] }, IssueOpened)
  onOpened(_: Notification<IssueOpened>, opened: IssueOpened): void {
    this.archive.saved.push(`opened ${opened.id} ${opened.title}`);
  }

  onEventNotification(notification: Notification): void {
    this.archive.saved.push(notification.text());
  }
}

@Controller('mine')
class Mine {
  @Post()
  take(@Body() body: unknown): unknown {
    return { parsed: body };
  }
}

/** A module with the subscriber, as a user writes it. */
function appModule(options?: WebSubModuleOptions, more: ModuleMetadata = {}) {
  @Module({
    controllers: [Mine],
    providers: [Archive, Issues, ...(more.providers ?? [])],
    imports: [WebSubModule.forRoot(options), ...(more.imports ?? [])],
  })
  class AppModule {}
  return AppModule;
}

const quiet: NestApplicationOptions = { logger: false };

/** The subscription that {@link Issues} has at the hub, once the application listens. */
async function subscribed(app: INestApplication, hub: FakeHub): Promise<SubscriptionView> {
  await app.listen(0, '127.0.0.1');
  await app.get(WebSubModule).started;
  return app.get(SubscriberListener).subscriptions.subscribe(Issues, [hub.url, TOPIC]);
}

const platforms: readonly (readonly [string, (module: Type) => Promise<INestApplication>])[] = [
  ['express', (module) => NestFactory.create<NestExpressApplication>(module, quiet)],
  ['express with rawBody', (module) => NestFactory.create(module, { ...quiet, rawBody: true })],
  ['fastify', (module) => NestFactory.create(module, new FastifyAdapter(), quiet)],
  [
    'a testing module',
    async (module) =>
      (await Test.createTestingModule({ imports: [module] }).compile()).createNestApplication(quiet),
  ],
];

describe.each(platforms)('a Nest application on %s', (_, create) => {
  it('has its decorated providers as subscribers, with what they inject', async () => {
    await using hub = await FakeHub.start();
    const app = await create(appModule());
    const { callback } = await subscribed(app, hub);
    expect(callback).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/issues\/websub-[\w-]{24}$/);

    const body = '{ "id": 7,  "title": "größer" }';
    const opened = await hub.deliver(hub.subscription, body, { headers: { 'x-event': 'issueOpened' } });
    const other = await hub.deliver(hub.subscription, '<a/>', { contentType: 'application/atom+xml' });
    expect([opened.status, other.status]).toEqual([202, 202]);
    expect(app.get(Archive).saved).toEqual(['opened 7 größer', '<a/>']);
    await app.close();
  });

  it('checks signatures over the bytes received, though Nest parses the bodies of its own routes', async () => {
    await using hub = await FakeHub.start();
    const app = await create(appModule());
    const { callback } = await subscribed(app, hub);
    const { secret = '' } = hub.subscription;
    const post = (body: string, signed: string) =>
      fetch(callback, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-hub-signature': `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`,
        },
      });
    // Longer than the limits of both platforms' parsers, and written as no serialiser writes it.
    const long = `{"a" :  "${'x'.repeat(2_000_000)}"}`;
    expect((await post(long, long)).status).toBe(202);
    expect((await post(long, JSON.stringify(JSON.parse(long)))).status).toBe(403);
    expect(app.get(Archive).saved).toEqual([long]);

    const mine = await fetch(new URL('/mine', callback), {
      method: 'POST',
      body: '{"b":1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await mine.json()).toEqual({ parsed: { b: 1 } });
    expect((await fetch(new URL('/issues/x', callback))).status).toBe(404);
    await app.close();
  });

  it('subscribes once it listens, and ends its subscriptions while hubs can still verify it', async () => {
    await using hub = await FakeHub.start();
    @SubscriberService({ target: [hub.url, TOPIC], path: '/short', unsubscribeOnShutdown: true })
    class ShortLived {}
    const app = await create(appModule({}, { providers: [ShortLived] }));
    await app.init();
    expect(hub.requests).toEqual([]);
    await app.listen(0, '127.0.0.1');
    const { subscribed: views, failed } = await app.get(WebSubModule).started;
    expect([views.map(({ state }) => state), failed]).toEqual([['active'], []]);
    await app.close();
    expect(hub.requests.map(({ mode }) => mode)).toEqual(['subscribe', 'unsubscribe']);
    expect(hub.subscriptions.size).toBe(0);
  });
});

describe('the Nest module', () => {
  it('takes its options from other providers', async () => {
    await using hub = await FakeHub.start();
    const port = await freePort();
    const settings = { provide: 'SETTINGS', useValue: { publicUrl: `http://127.0.0.1:${port}/websub` } };
    @Module({ providers: [settings], exports: [settings] })
    class SettingsModule {}
    @Module({
      imports: [
        WebSubModule.forRootAsync({
          imports: [SettingsModule],
          inject: ['SETTINGS'],
          useFactory: (options: WebSubModuleOptions) => ({ ...options, logger: silent }),
        }),
      ],
      providers: [Archive, Issues],
    })
    class AppModule {}
    const app = await NestFactory.create(AppModule, quiet);
    await app.listen(port, '127.0.0.1');
    await app.get(WebSubModule).started;
    const view = await app.get(SubscriberListener).subscriptions.subscribe(app.get(Issues), [hub.url, TOPIC]);
    expect(view.callback.startsWith(`http://127.0.0.1:${port}/websub/issues/`)).toBe(true);
    expect((await hub.deliver(hub.subscription, '{}')).status).toBe(202);
    await app.close();
  });

  it('gives its listener to other providers, which attach further providers by their class', async () => {
    await using hub = await FakeHub.start();
    @Injectable()
    class Late {
      constructor(private readonly archive: Archive) {}

      onEventNotification(notification: Notification): void {
        this.archive.saved.push(`late ${notification.text()}`);
      }
    }
    @Injectable()
    class Follower {
      constructor(private readonly listener: SubscriberListener) {}

      follow(): Promise<AttachedService> {
        return this.listener.attachWithConfig(Late, { path: '/late', target: [hub.url, TOPIC] });
      }
    }
    const app = await NestFactory.create(appModule({}, { providers: [Late, Follower] }), quiet);
    await app.listen(0, '127.0.0.1');
    await app.get(WebSubModule).started;
    const late = await app.get(Follower).follow();
    await late.verified();
    await hub.deliver(hub.subscription, '{}');
    expect(app.get(Archive).saved).toEqual(['late {}']);
    await app.close();
  });

  it('refuses to start with services that are wrong, and says all that is', async () => {
    @SubscriberService({ target: 'not a url', leaseSeconds: -1, path: '/wrong' })
    class Wrong {}
    const app = await NestFactory.create(appModule({}, { providers: [Wrong] }), {
      ...quiet,
      abortOnError: false,
    });
    const error: unknown = await app.init().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).errors).toHaveLength(2);
    await app.close();
  });

  it.each([Scope.REQUEST, Scope.TRANSIENT])('refuses a service of scope %s', async (scope) => {
    @SubscriberService({ path: '/scoped' })
    @Injectable({ scope })
    class Scoped {}
    const app = await NestFactory.create(appModule({}, { providers: [Scoped] }), quiet);
    await expect(app.init()).rejects.toThrow('Scoped is not a singleton: give it');
    await app.close();
  });

  it('attaches a service that several tokens lead to once', async () => {
    const alias = { provide: 'ALIAS', useExisting: Issues };
    const made = { provide: 'FACTORY', useFactory: (issues: Issues) => issues, inject: [Issues] };
    const app = await NestFactory.create(appModule({}, { providers: [alias, made] }), quiet);
    await expect(app.init()).resolves.toBeDefined();
    await app.close();
  });

  it('logs by Nest what failed at the start, and goes on trying', async () => {
    const port = await freePort();
    @SubscriberService({
      target: [`http://127.0.0.1:${port}/`, TOPIC],
      path: '/nobody',
      httpConfig: { retry: { attempts: 1 } },
    })
    class Nobody {}
    const errors: unknown[] = [];
    const logger = { log() {}, warn() {}, error: (message: unknown) => void errors.push(message) };
    const app = await NestFactory.create(appModule({}, { providers: [Nobody] }), { logger });
    await app.listen(0, '127.0.0.1');
    const { failed } = await app.get(WebSubModule).started;
    expect(failed).toMatchObject([{ error: { code: 'unreachable' } }]);
    expect(errors).toEqual([expect.stringContaining('cannot be reached')]);
    await app.close();
  });
});
