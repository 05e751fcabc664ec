/** What compiles and what does not, beside the samples; in both decorator modes. */
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import {
  defineDispatch,
  OnEvent,
  OnHeader,
  SubscriberListener,
  SubscriberService,
  testSubscriber,
  TOPIC_ID_HEADER,
  type Entry,
  type ListenerOptions,
  type Notification,
  type PayloadKeyResourceMap,
  type PayloadOf,
  type StoredSubscription,
  type SubscriberHandlers,
  type SubscriberServiceOptions,
  type WebSubError,
} from './api.js';

class Opened {
  declare id: number;
}
class Closed {
  declare reason: string;
}

// ---------- classes ------------------------------------------------------------------------------
@SubscriberService({ secret: 'auto' })
export class OnlyMarked {
  @OnEvent({ payload: ['action', 'opened'] }) onOpened(): void {}
}
@SubscriberService({ path: '/empty' })
export class Empty {}
@SubscriberService()
export class Abstracted implements SubscriberHandlers {
  onSubscriptionVerification(): Promise<{ accept: boolean; reason: string }> {
    return Promise.resolve({ accept: false, reason: 'full' });
  }
}

// ---------- option names -------------------------------------------------------------------------
// @ts-expect-error a wrong name beside a right one
@SubscriberService({ path: '/x', leaseSecond: 60 })
export class WrongName {}
// @ts-expect-error only a wrong name
@SubscriberService({ leaseSecond: 60 })
export class OnlyWrongName {}
// @ts-expect-error a wrong value
@SubscriberService({ topicIdentifier: 'TOPIC_ID_BODY' })
export class WrongValue {}

// @ts-expect-error a wrong name inside an option, beside a right one
@SubscriberService({ httpConfig: { timeoutMs: 5, timout: 5 } })
export class WrongHttp {}
// @ts-expect-error a wrong name two levels down
@SubscriberService({ httpConfig: { retry: { attempts: 1, maxMS: 5 } } })
export class WrongRetry {}
// @ts-expect-error a wrong name in the options of discovery
@SubscriberService({ discoveryConfig: { accept: 'text/html', httpConfig: { timeoutMs: 1, tiemout: 1 } } })
export class WrongDiscovery {}
// @ts-expect-error a wrong name beside a function
@SubscriberService({ dedupe: { key: (n) => n.deliveryId, ttl: 5 } })
export class WrongDedupe {}
// @ts-expect-error a wrong name in one of several forms
@SubscriberService({ ack: { deadlineMs: 5, deadline: 1 } })
export class WrongAck {}
@SubscriberService({
  httpConfig: { timeoutMs: 5, headers: { 'x-any': 'name' }, retry: { attempts: 1 } },
  discoveryConfig: { accept: ['text/html', 'application/atom+xml'], httpConfig: { maxRedirects: 1 } },
  dedupe: { key: (n) => n.deliveryId, ttlMs: 5 },
  ack: { deadlineMs: 5 },
  onDenied: { retryAfterMs: 5 },
  customParams: { any: 'name' },
  customHeaders: { any: 'name' },
})
export class RightNames {}

// ---------- options that are put together step by step --------------------------------------------
export const options: SubscriberServiceOptions = {};
options.path = '/x';
options.httpConfig = {};
options.httpConfig.headers = {};
options.httpConfig.headers['x-by'] = 'me';
options.topicHeader = 'X';
export const listenerOptions: ListenerOptions = {};
listenerOptions.publicUrl = 'https://me.example/';
@SubscriberService(options)
export class StepByStep {}

// ---------- what is read back ----------------------------------------------------------------------
const map: PayloadKeyResourceMap = { action: { opened: ['onOpened', Opened] } };
export const entry: Entry | undefined = map['action']?.['opened'];
export const nine: StoredSubscription = {
  id: '1',
  hub: 'https://hub.example/',
  topic: 'https://topic.example/',
  callback: 'https://me.example/1',
  state: 'active',
  version: 1,
  secrets: [],
  service: 'Feed',
};
export const isMine = (error: WebSubError): boolean => error.code === 'mine' || error.code === 'denied';

// ---------- a listener -----------------------------------------------------------------------------
export async function listen(logger: Record<'debug' | 'info' | 'warn' | 'error', Function>): Promise<void> {
  const listener = new SubscriberListener(0, { logger });
  await listener.attach({
    onEventNotification(n) {
      n.topic satisfies string;
    },
  });
  await listener.attachWithConfig(
    { onSubscriptionVerification: ({ topic }) => topic === 'x' },
    { path: '/x' },
  );
  const own: Partial<SubscriberServiceOptions> = {
    customParams: { tenant: '7' },
    unsubscribeOnShutdown: true,
  };
  await listener.subscriptions.subscribe(OnlyMarked, 'https://topic.example/', own);
}

// ---------- tables -------------------------------------------------------------------------------
@SubscriberService({ topicHeader: 'X', headerResourceMap: [['opened', ['onOpened', Opened]]] })
export class Pairs {
  onOpened(_n: Notification<Opened>, _payload: Opened): void {}
}
// @ts-expect-error pairs that name a method that is missing
@SubscriberService({ topicHeader: 'X', headerResourceMap: [['opened', ['onOpened', Opened]]] })
export class PairsMissing {}
// @ts-expect-error a payload table that gives something else
@SubscriberService({ payloadKeyResourceMap: { action: { closed: ['onClosed', Closed] } } })
export class PayloadWrong {
  onClosed(_n: Notification, _payload: Opened): void {}
}
@SubscriberService({
  topicHeader: 'X',
  // @ts-expect-error an entry without a method
  headerResourceMap: { opened: [] },
})
export class NoMethod {}
// @ts-expect-error a combined table that names a method that is missing
@SubscriberService({
  topicHeader: 'X',
  headerAndPayloadKeyResourceMap: { issue: { action: { opened: ['onOpened'] } } },
})
export class CombinedMissing {}
// @ts-expect-error one method, two types
@SubscriberService({ topicHeader: 'X', headerResourceMap: { a: ['onA', Opened], b: ['onA', Closed] } })
export class TwoTypes {
  onA(_n: Notification, _payload: Opened): void {}
}
@SubscriberService({ topicHeader: 'X', headerResourceMap: { a: ['onA', Opened], b: ['onA', Closed] } })
export class TwoTypesTaken {
  onA(_n: Notification, _payload: Opened | Closed): void {}
}

const tables = defineDispatch({
  topicIdentifier: TOPIC_ID_HEADER,
  topicHeader: 'X',
  headerResourceMap: { opened: ['onOpened', Opened], closed: ['onClosed', Closed] },
});
@SubscriberService({ ...tables, path: '/whole' })
export class Whole {
  onOpened(_n: Notification, _payload: Opened): void {}
  onClosed(_n: Notification, _payload: Closed): void {}
}
// @ts-expect-error shared tables name a method that is missing
@SubscriberService({ ...tables, path: '/half' })
export class Half {
  onOpened(_n: Notification, _payload: Opened): void {}
}
const partial = defineDispatch(
  { topicHeader: 'X', headerResourceMap: { opened: ['onOpened', Opened], closed: ['onClosed', Closed] } },
  { partial: true },
);
@SubscriberService(partial)
export class Partly {
  onOpened(_n: Notification, _payload: Opened): void {}
}
// @ts-expect-error what a partial table names is still held to its type
@SubscriberService(partial)
export class PartlyWrong {
  onOpened(_n: Notification, _payload: Closed): void {}
}

// ---------- schemas ------------------------------------------------------------------------------
const Zod = z.object({ at: z.coerce.date() });
const Valibot = v.object({ n: v.pipe(v.string(), v.transform(Number)) });
const Ark = type({ n: 'string.numeric.parse' });
class WithSchema {
  static readonly schema = Zod;
  declare at: Date;
  year(): number {
    return this.at.getUTCFullYear();
  }
}
export class Schemas {
  @OnEvent({ payload: ['k', 'zod'] }, Zod) onZod(_n: Notification, _payload: { at: Date }): void {}
  @OnEvent({ payload: ['k', 'valibot'] }, Valibot) onValibot(
    _n: Notification,
    _payload: { n: number },
  ): void {}
  @OnEvent({ payload: ['k', 'ark'] }, Ark) onArk(_n: Notification<{ n: number }>): void {}
  @OnEvent({ payload: ['k', 'class'] }, WithSchema) onClass(_n: Notification, payload: WithSchema): void {
    payload.year();
  }
  // @ts-expect-error valibot's output is a number
  @OnEvent({ payload: ['k', 'v'] }, Valibot) wrongValibot(_n: Notification, _payload: { n: string }): void {}
  // @ts-expect-error arktype's output is a number
  @OnHeader('ark', Ark) wrongArk(_n: Notification, _payload: { n: string }): void {}
  // @ts-expect-error the notification's payload is the schema's output too
  @OnEvent({ payload: ['k', 'w'] }, Zod) wrongNotification(_n: Notification<{ at: string }>): void {}
  // @ts-expect-error a handler answers with a status that acknowledges, or throws
  @OnHeader('status') wrongResult(): { status: 500 } {
    return { status: 500 };
  }
}
@SubscriberService({
  topicHeader: 'X',
  headerResourceMap: { zod: ['onZod', Zod], valibot: ['onValibot', Valibot], ark: ['onArk', Ark] },
})
export class SchemaTables {
  onZod(_n: Notification, _payload: { at: Date }): void {}
  onValibot(_n: Notification, _payload: { n: number }): void {}
  onArk(_n: Notification, _payload: { n: number }): void {}
}
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const outputs: [
  Equal<PayloadOf<typeof Zod>, { at: Date }>,
  Equal<PayloadOf<typeof Valibot>, { n: number }>,
  Equal<PayloadOf<typeof Ark>, { n: number }>,
  Equal<PayloadOf<typeof WithSchema>, WithSchema>,
] = [true, true, true, true];

// ---------- the test kit -------------------------------------------------------------------------
export async function kit(): Promise<void> {
  await using test = await testSubscriber(Whole);
  test.service satisfies Whole;
  // @ts-expect-error there is no such way to sign
  await test.notify({}, { sign: 'md5' });
  // @ts-expect-error there is no such option
  await testSubscriber(Whole, { config: { leaseSecond: 1 } });
}
