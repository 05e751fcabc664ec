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
  for (const one of lineOf(type)) {
    const own = ownMetadata(one)?.[OPTIONS] ?? Reflect.getOwnMetadata(OPTIONS, one);
    if (own !== undefined) return own as SubscriberServiceOptions;
  }
  return undefined;
}

/**
 * The marked methods of the class and its superclasses, those of superclasses first. A method that overrides another
 * takes its place where it is marked alike.
 */
export function readMarks(type: object): readonly MarkedMethod[] {
  return lineOf(type).reduceRight<readonly MarkedMethod[]>((inherited, one) => {
    const own = ownMarks(one);
    return [...inherited.filter((mark) => !own.some((other) => overrides(other, mark))), ...own];
  }, []);
}

function ownMarks(type: ClassLike): readonly MarkedMethod[] {
  const metadata = ownMetadata(type)?.[METHODS] ?? [];
  const legacy = type.prototype === undefined ? [] : (Reflect.getOwnMetadata(METHODS, type.prototype) ?? []);
  return [...(metadata as readonly MarkedMethod[]), ...(legacy as readonly MarkedMethod[])];
}

function overrides(one: MarkedMethod, other: MarkedMethod): boolean {
  return one.method === other.method && JSON.stringify(one.match) === JSON.stringify(other.match);
}

/**
 * The class that a method declares for its second parameter, as far as legacy decorators with metadata wrote it down;
 * types that are no classes of their own leave `Object` or the like.
 */
export function declaredPayload(type: ClassLike, method: string): ClassLike | undefined {
  if (type.prototype === undefined) return undefined;
  const parameters: unknown = Reflect.getMetadata('design:paramtypes', type.prototype, method);
  const declared: unknown = Array.isArray(parameters) ? parameters[1] : undefined;
  return typeof declared === 'function' && !BUILT_IN.has(declared) ? declared : undefined;
}

/** What TypeScript writes for types that have no class, and for those of the language. */
// prettier-ignore
const BUILT_IN: ReadonlySet<unknown> = new Set([
  Object, Function, String, Number, Boolean, Symbol, BigInt, Array, Promise, Uint8Array, URLSearchParams,
]);

/** A class as metadata sees it. */
interface ClassLike {
  readonly name: string;
  readonly prototype?: object;
}

/** The class and its superclasses, the class first. */
function lineOf(type: object): readonly ClassLike[] {
  const line: ClassLike[] = [];
  for (let at: unknown = type; typeof at === 'function' && at !== Function.prototype;) {
    line.push(at);
    at = Object.getPrototypeOf(at);
  }
  return line;
}

/** The TC39 metadata that the class itself has; it inherits from a superclass's, which is asked on its own. */
function ownMetadata(type: object): Metadata | undefined {
  const key = (Symbol as unknown as { readonly metadata: symbol }).metadata;
  if (!Object.hasOwn(type, key)) return undefined;
  const metadata = (type as Record<symbol, Metadata>)[key];
  return metadata === undefined ? undefined : { ...metadata };
}
