import 'reflect-metadata';
import type { MarkedMethod } from '../dispatch/rules.js';
import type { SubscriberServiceOptions } from '../service/options.js';

// tsc leaves context.metadata undefined where the runtime has no Symbol.metadata; esbuild and swc use this very symbol.
// Decorators of a class run after this module, which it imports.
(Symbol as { metadata?: symbol }).metadata ??= Symbol.for('Symbol.metadata');

// Registered symbols: two copies of this package in one program see each other's decorators.
const OPTIONS = Symbol.for('@websub/subscriber options');
const METHODS = Symbol.for('@websub/subscriber methods');

type Metadata = Record<PropertyKey, unknown>;

/** Where TC39 decorators keep what they know of a class; inherits from the superclass's. */
export type ClassMetadata = DecoratorMetadataObject;

/** Legacy mode keeps the options on the class, TC39 mode in the class's metadata. */
export function writeOptions(
  target: object,
  metadata: ClassMetadata | undefined,
  options: SubscriberServiceOptions,
): void {
  if (metadata === undefined) Reflect.defineMetadata(OPTIONS, options, target);
  else metadata[OPTIONS] = options;
}

/**
 * Legacy mode keeps the marks on the prototype, TC39 mode in the class's metadata. By the method's name and not the
 * function, so that other decorators may wrap it and subclasses override it.
 */
export function addMark(
  at: { readonly prototype: object } | { readonly metadata: ClassMetadata },
  mark: MarkedMethod,
): void {
  if ('prototype' in at) {
    const own = (Reflect.getOwnMetadata(METHODS, at.prototype) ?? []) as readonly MarkedMethod[];
    Reflect.defineMetadata(METHODS, [...own, mark], at.prototype);
  } else {
    const { metadata } = at;
    const own = Object.hasOwn(metadata, METHODS) ? (metadata[METHODS] as readonly MarkedMethod[]) : [];
    metadata[METHODS] = [...own, mark];
  }
}

/** The options of the class or of the nearest superclass that has some. */
export function readOptions(type: object): SubscriberServiceOptions | undefined {
  const own = metadataOf(type)?.[OPTIONS] ?? Reflect.getMetadata(OPTIONS, type);
  return own as SubscriberServiceOptions | undefined;
}

/** The marked methods of the class and its superclasses, those of superclasses first. */
export function readMarks(type: { readonly prototype: object }): readonly MarkedMethod[] {
  const marks: MarkedMethod[] = [];
  const parent: unknown = Object.getPrototypeOf(type);
  if (typeof parent === 'function') marks.push(...readMarks(parent as { prototype: object } & (() => void)));
  const metadata = metadataOf(type);
  if (metadata !== undefined && Object.hasOwn(metadata, METHODS))
    marks.push(...(metadata[METHODS] as MarkedMethod[]));
  if (type.prototype !== undefined) {
    marks.push(...((Reflect.getOwnMetadata(METHODS, type.prototype) ?? []) as MarkedMethod[]));
  }
  return marks;
}

/** The TC39 metadata that the class itself has, not a superclass. */
function metadataOf(type: object): Metadata | undefined {
  const key = (Symbol as unknown as { readonly metadata: symbol }).metadata;
  return Object.hasOwn(type, key) ? (type as Record<symbol, Metadata>)[key] : undefined;
}
