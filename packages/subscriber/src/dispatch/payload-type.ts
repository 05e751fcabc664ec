/** Any validator that speaks Standard Schema v1 (zod, valibot, arktype and others). */
export interface StandardSchemaV1<I = unknown, O = I> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<O> | Promise<StandardResult<O>>;
    readonly types?: { readonly input: I; readonly output: O } | undefined;
  };
}

export type StandardResult<O> =
  { readonly value: O; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** One reason why a payload is not what the handler takes. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

// Type arguments that are only inferred from, never used as values.
// eslint-disable-next-line typescript/no-explicit-any
export type Ctor<T = any> = abstract new (...args: any[]) => T;

/** What a handler takes: a schema, which checks, or a class, which only gives the payload its prototype. */
// eslint-disable-next-line typescript/no-explicit-any
export type PayloadType<T = any> = StandardSchemaV1<any, T> | Ctor<T>;

/** The value that a handler is given for a payload type. */
export type PayloadOf<P> = P extends PayloadType<infer T> ? T : unknown;

export function isSchema(value: unknown): value is Exclude<PayloadType, Ctor> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value;
}

/** Whether it can be one: an arrow function or a method constructs nothing. */
export function isPayloadType(value: unknown): value is PayloadType {
  return isSchema(value) || (typeof value === 'function' && 'prototype' in value);
}
