import type { RequiredHandlers } from '../dispatch/tables.js';
import type { SubscriberHandlers } from '../messages.js';
import type { SubscriberServiceOptions } from '../service/options.js';
import type { DualClassDecorator } from './dual.js';
import { writeOptions } from './metadata.js';

/**
 * Members that no option has, also in options that are objects. A `const` type parameter switches off the compiler's own
 * check for them.
 */
type NoOthers<O> = {
  readonly [K in keyof O]: K extends Nested
    ? NoOthersIn<O[K], SubscriberServiceOptions[K]>
    : K extends keyof SubscriberServiceOptions
      ? unknown
      : never;
};
type Nested = 'httpConfig' | 'discoveryConfig' | 'dedupe' | 'ack' | 'onDenied';
type NoOthersIn<O, Shape> = O extends readonly unknown[] | ((...given: never) => unknown)
  ? unknown
  : O extends object
    ? { readonly [K in keyof O]: K extends Members<Shape> ? NoOthersIn<O[K], At<Shape, K>> : never }
    : unknown;
/** Of a union too: the members that any of it has. */
type Members<Shape> = Shape extends object ? keyof Shape : never;
type At<Shape, K> = Shape extends object ? (K extends keyof Shape ? Shape[K] : never) : never;

/**
 * Any object at all. Every member of {@link SubscriberHandlers} is optional, and the compiler refuses a class that has
 * none of them, such as one with `@OnEvent` methods only; one required member that all have makes it look closer.
 */
interface AnyObject {
  toString(): string;
}

/**
 * Makes a subscriber service of a class. That the methods named in dispatch tables exist and take what the tables give
 * is checked at compile time. Works in legacy and in TC39 decorator mode, and only writes metadata: what is wrong with
 * the options is said when the service is attached.
 */
export function SubscriberService<const O extends SubscriberServiceOptions>(
  options?: O & NoOthers<O>,
): DualClassDecorator<RequiredHandlers<O> & SubscriberHandlers & AnyObject> {
  const given: O | undefined = options;
  return (target: object, context?: ClassDecoratorContext) => {
    writeOptions(target, context?.metadata, given ?? {});
  };
}
