/**
 * Holds the package against every declaration of subscriber-api.d.ts. What users are given must be what was declared,
 * or more; what they give is taken as declared, or more is. `api.test.ts` sees to it that no name is left out.
 */
import type * as Real from '@websub/subscriber';
import type * as Api from './subscriber-api.js';

/** What users are given. */
type Gives<RealType extends ApiType, ApiType> = [RealType, ApiType];
/** What users give. */
type Takes<RealType, ApiType extends RealType> = [RealType, ApiType];
type Same<RealType extends ApiType, ApiType extends Both, Both = RealType> = [RealType, ApiType, Both];

class Issue {
  declare id: number;
}

/** These may also be a `Map` or pairs. */
type Tables = 'headerResourceMap' | 'payloadKeyResourceMap' | 'headerAndPayloadKeyResourceMap';

export type Declared = {
  StandardSchemaV1: Same<Real.StandardSchemaV1<string, Date>, Api.StandardSchemaV1<string, Date>>;
  StandardResult: Same<Real.StandardResult<Date>, Api.StandardResult<Date>>;
  Issue: Same<Real.Issue, Api.Issue>;
  Ctor: Same<Real.Ctor<Issue>, Api.Ctor<Issue>>;
  PayloadType: Same<Real.PayloadType<Issue>, Api.PayloadType<Issue>>;
  PayloadOf: Same<
    [Real.PayloadOf<typeof Issue>, Real.PayloadOf<Api.StandardSchemaV1<string, Date>>, Real.PayloadOf<1>],
    [Api.PayloadOf<typeof Issue>, Api.PayloadOf<Api.StandardSchemaV1<string, Date>>, Api.PayloadOf<1>]
  >;

  Notification: Same<Real.Notification<Issue>, Api.Notification<Issue>>;
  SubscriptionVerification: Same<Real.SubscriptionVerification, Api.SubscriptionVerification>;
  SubscriptionDenial: Same<Real.SubscriptionDenial, Api.SubscriptionDenial>;
  SubscriptionView: Same<Real.SubscriptionView, Api.SubscriptionView>;
  VerificationResult: Same<Real.VerificationResult, Api.VerificationResult>;
  HandlerResult: Takes<Real.HandlerResult, Api.HandlerResult>;
  SubscriberHandlers: Same<Real.SubscriberHandlers, Api.SubscriberHandlers>;

  Entry: Same<Real.Entry, Api.Entry>;
  HeaderResourceMap: Same<Real.HeaderResourceMap, Api.HeaderResourceMap>;
  PayloadKeyResourceMap: Same<Real.PayloadKeyResourceMap, Api.PayloadKeyResourceMap>;
  HeaderAndPayloadKeyResourceMap: Same<
    Real.HeaderAndPayloadKeyResourceMap,
    Api.HeaderAndPayloadKeyResourceMap
  >;
  TOPIC_ID_HEADER: Same<typeof Real.TOPIC_ID_HEADER, typeof Api.TOPIC_ID_HEADER>;
  TOPIC_ID_PAYLOAD_KEY: Same<typeof Real.TOPIC_ID_PAYLOAD_KEY, typeof Api.TOPIC_ID_PAYLOAD_KEY>;
  TOPIC_ID_HEADER_AND_PAYLOAD: Same<
    typeof Real.TOPIC_ID_HEADER_AND_PAYLOAD,
    typeof Api.TOPIC_ID_HEADER_AND_PAYLOAD
  >;
  DispatchTables: [
    Takes<Real.DispatchTables, Api.DispatchTables>,
    Gives<Omit<Real.DispatchTables, Tables>, Omit<Api.DispatchTables, Tables>>,
  ];
  RequiredHandlers: Same<
    Real.RequiredHandlers<{ headerResourceMap: { a: readonly ['onA', typeof Issue] } }>,
    Api.RequiredHandlers<{ headerResourceMap: { a: readonly ['onA', typeof Issue] } }>
  >;

  Target: Same<Real.Target, Api.Target>;
  HttpConfig: Takes<Real.HttpConfig, Api.HttpConfig>;
  SubscriberServiceOptions: [
    Takes<Real.SubscriberServiceOptions, Api.SubscriberServiceOptions>,
    // Each option that was declared is there.
    Gives<keyof Api.SubscriberServiceOptions, keyof Real.SubscriberServiceOptions>,
  ];
  DualClassDecorator: Same<Real.DualClassDecorator<Issue>, Api.DualClassDecorator<Issue>>;
  DualMethodDecorator: Same<
    Real.DualMethodDecorator<(n: number) => void>,
    Api.DualMethodDecorator<(n: number) => void>
  >;
  /** Its options are also checked for names that there are none of, and classes without handlers taken. */
  SubscriberService: Gives<
    ReturnType<typeof Real.SubscriberService<{ path: '/x' }>>,
    Api.DualClassDecorator<Api.SubscriberHandlers & { toString(): string }>
  >;
  Match: Same<Real.Match, Api.Match>;
  OnEvent: Gives<typeof Real.OnEvent, typeof Api.OnEvent>;
  OnHeader: Gives<typeof Real.OnHeader, typeof Api.OnHeader>;

  Discovery: Gives<Real.Discovery, Api.Discovery>;
  discover: Gives<typeof Real.discover, typeof Api.discover>;

  /** A stored subscription may have more members; a store keeps it whole. */
  StoredSubscription: Same<Real.StoredSubscription, Api.StoredSubscription>;
  SubscriptionStore: Same<Real.SubscriptionStore, Api.SubscriptionStore>;
  ListenerOptions: [
    Takes<Real.ListenerOptions, Api.ListenerOptions>,
    Gives<keyof Api.ListenerOptions, keyof Real.ListenerOptions>,
  ];
  RequestHandler: Same<Real.RequestHandler, Api.RequestHandler>;
  SubscriberEvents: Gives<Real.SubscriberEvents, Api.SubscriberEvents>;
  SubscriberListener: [
    Gives<Real.SubscriberListener, Api.SubscriberListener>,
    Gives<
      ConstructorParameters<typeof Real.SubscriberListener>[0],
      ConstructorParameters<typeof Api.SubscriberListener>[0]
    >,
  ];
  AttachedService: Same<Real.AttachedService, Api.AttachedService>;
  StartReport: Gives<Real.StartReport, Api.StartReport>;
  WebSubError: Gives<Real.WebSubError, Api.WebSubError>;
  SubscriptionGone: Gives<typeof Real.SubscriptionGone, typeof Api.SubscriptionGone>;
  PayloadValidationError: Gives<Real.PayloadValidationError, Api.PayloadValidationError>;

  NotifyResult: Gives<Real.NotifyResult, Api.NotifyResult>;
  testSubscriber: Gives<typeof Real.testSubscriber, typeof Api.testSubscriber>;
};
