import type { PayloadOf, PayloadType } from '../dispatch/payload-type.js';
import type { MarkedMethod, Match } from '../dispatch/rules.js';
import { ConfigurationError } from '../errors.js';
import type { HandlerResult, Notification } from '../messages.js';
import type { DualMethodDecorator } from './dual.js';
import { addMark } from './metadata.js';

type Handler<T> = (n: Notification<T>, payload: T) => HandlerResult | Promise<HandlerResult>;
// Without a payload type the method may take the payload as what it likes: nobody checks it.
// eslint-disable-next-line typescript/no-explicit-any
type UntypedHandler = (n: Notification<any>, payload: any) => HandlerResult | Promise<HandlerResult>;

/**
 * The method takes notifications that have all that `match` names. With a payload type it is given the payload checked
 * by the schema, or as an instance of the class; the compiler holds its parameters against it.
 */
export function OnEvent<P extends PayloadType>(
  match: Match,
  type: P,
): DualMethodDecorator<Handler<PayloadOf<P>>>;
export function OnEvent(match: Match): DualMethodDecorator<UntypedHandler>;
export function OnEvent(match: Match, type?: PayloadType): DualMethodDecorator<UntypedHandler> {
  return marking({ match, ...(type === undefined ? {} : { type }) });
}

/** The method takes notifications whose `topicHeader`, as the class's options name it, has this value. */
export function OnHeader<P extends PayloadType>(
  value: string,
  type: P,
): DualMethodDecorator<Handler<PayloadOf<P>>>;
export function OnHeader(value: string): DualMethodDecorator<UntypedHandler>;
export function OnHeader(value: string, type?: PayloadType): DualMethodDecorator<UntypedHandler> {
  return marking({ match: { topicHeaderValue: value }, ...(type === undefined ? {} : { type }) });
}

function marking(mark: Omit<MarkedMethod, 'method'>): DualMethodDecorator<UntypedHandler> {
  return (target: object, keyOrContext: string | symbol | ClassMethodDecoratorContext) => {
    if (typeof keyOrContext === 'object') {
      const { metadata, name, private: hidden, static: ofClass } = keyOrContext;
      addMark({ metadata }, { ...mark, method: nameOf(name, hidden || ofClass) });
    } else {
      const ofClass = typeof target === 'function';
      addMark({ prototype: target }, { ...mark, method: nameOf(keyOrContext, ofClass) });
    }
  };
}

/** A listener calls methods of the instance, by name. */
function nameOf(key: string | symbol, unreachable: boolean): string {
  if (typeof key === 'string' && !unreachable) return key;
  throw new ConfigurationError([
    `${String(key)} is private, static or named by a symbol: decorate a plain method`,
  ]);
}
