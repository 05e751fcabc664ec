/** What compiles and what does not, beside the samples; in both decorator modes. */
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import {
  defineDispatch,
  OnEvent,
  OnHeader,
  SubscriberService,
  testSubscriber,
  TOPIC_ID_HEADER,
  type Notification,
  type PayloadOf,
  type SubscriberHandlers,
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
