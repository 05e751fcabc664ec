import type { Ctor } from '../dispatch/payload-type.js';

/** A class decorator for legacy and for TC39 mode, for classes whose instances are a `T`. */
export interface DualClassDecorator<T> {
  <C extends Ctor<T>>(target: C, context?: ClassDecoratorContext): void;
}

// Handlers differ in parameters and results; which fit is said where these types are used.
// eslint-disable-next-line typescript/no-explicit-any
type AnyMethod = (...args: any[]) => any;

/** A method decorator for legacy and for TC39 mode, for methods that are an `F0`. */
export interface DualMethodDecorator<F0 extends AnyMethod> {
  <This, F extends F0>(target: F, context: ClassMethodDecoratorContext<This, F>): void;
  <F extends F0>(target: object, key: string | symbol, descriptor: TypedPropertyDescriptor<F>): void;
}
