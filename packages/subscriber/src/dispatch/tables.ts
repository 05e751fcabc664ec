import type { Notification } from '../messages.js';
import type { PayloadOf, PayloadType } from './payload-type.js';

/** A method by name, and what it takes as its second parameter; without a type, the body as parsed. */
export type Entry = readonly [method: string] | readonly [method: string, type: PayloadType];

/**
 * Keys and what they lead to, in order. A plain object lists keys that look like integers first, whatever order they were
 * written in; where order matters among such keys, write a `Map` or pairs.
 */
export type Table<V> =
  Readonly<Record<string, V>> | ReadonlyMap<string, V> | readonly (readonly [key: string, to: V])[];

/** Value of the topic header to method. */
export type HeaderResourceMap = Readonly<Record<string, Entry>>;
/** Key of the payload, then its value, to method. A key with dots is also a path. */
export type PayloadKeyResourceMap = Readonly<Record<string, Readonly<Record<string, Entry>>>>;
/** Value of the topic header, then key of the payload, then its value, to method. */
export type HeaderAndPayloadKeyResourceMap = Readonly<Record<string, PayloadKeyResourceMap>>;

export const TOPIC_ID_HEADER = 'TOPIC_ID_HEADER';
export const TOPIC_ID_PAYLOAD_KEY = 'TOPIC_ID_PAYLOAD_KEY';
export const TOPIC_ID_HEADER_AND_PAYLOAD = 'TOPIC_ID_HEADER_AND_PAYLOAD';

/** Ballerina's dispatch maps, as plain objects or as any {@link Table}. */
export interface DispatchTables {
  /**
   * Which tables are read: the one that it names; for `TOPIC_ID_HEADER_AND_PAYLOAD` the other two after it, if given.
   * Absent: all that are given.
   */
  topicIdentifier?: 'TOPIC_ID_HEADER' | 'TOPIC_ID_PAYLOAD_KEY' | 'TOPIC_ID_HEADER_AND_PAYLOAD';
  /** The header that the tables and `@OnHeader` look at, in any case. `Link` stands for the URL of its rel=self. */
  topicHeader?: string;
  headerResourceMap?: Table<Entry>;
  payloadKeyResourceMap?: Table<Table<Entry>>;
  headerAndPayloadKeyResourceMap?: Table<Table<Table<Entry>>>;
  /** Entries whose method the class lacks are left out instead of refused: see {@link defineDispatch}. */
  partial?: true;
}

/** Checks tables at compile time and keeps their exact types, for tables that several services share. */
export function defineDispatch<const T extends DispatchTables>(tables: T): T;
/** With `partial`, a service may have only some of the methods that the tables name. */
export function defineDispatch<const T extends DispatchTables>(
  tables: T,
  options: { readonly partial: true },
): T & { readonly partial: true };
export function defineDispatch(tables: DispatchTables, options?: { readonly partial: true }): DispatchTables {
  return { ...tables, ...options };
}

// What a class must have so that the tables of its decorator fit: each named method, taking what its entry gives.
/* eslint-disable typescript/no-explicit-any */
type Union2Intersection<U> = (U extends any ? (k: U) => void : never) extends (k: infer I) => void
  ? I
  : never;
type Handler<P> = (n: Notification<any>, payload: PayloadOf<P>) => unknown;
type EntryMethod<E> = E extends readonly [infer N extends string, infer P]
  ? { [K in N]: Handler<P> }
  : E extends readonly [infer N extends string]
    ? { [K in N]: (n: Notification<any>, payload: any) => unknown }
    : unknown;
type ValuesOf<M> =
  M extends ReadonlyMap<any, infer V>
    ? V
    : M extends readonly (readonly [any, infer V])[]
      ? V
      : M extends object
        ? M[keyof M]
        : never;
type All<U> = [U] extends [never] ? unknown : Union2Intersection<U>;
type HeaderMethods<M> = All<EachEntry<ValuesOf<M>>>;
type EachEntry<E> = E extends unknown ? EntryMethod<E> : never;
type PayloadMethods<M> = All<EachHeader<ValuesOf<M>>>;
type EachHeader<M> = M extends unknown ? HeaderMethods<M> : never;
type CombinedMethods<M> = All<EachPayload<ValuesOf<M>>>;
type EachPayload<M> = M extends unknown ? PayloadMethods<M> : never;
/* eslint-enable typescript/no-explicit-any */

type NamedHandlers<O> = (O extends { headerResourceMap: infer M extends object }
  ? HeaderMethods<M>
  : unknown) &
  (O extends { payloadKeyResourceMap: infer M extends object } ? PayloadMethods<M> : unknown) &
  (O extends { headerAndPayloadKeyResourceMap: infer M extends object } ? CombinedMethods<M> : unknown);

/** The methods that the tables of `O` name, with the payloads that they give. */
export type RequiredHandlers<O> = O extends { partial: true } ? Partial<NamedHandlers<O>> : NamedHandlers<O>;
