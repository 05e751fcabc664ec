import { reasonOf } from '@websub/shared';
import { isSchema, type Ctor, type Issue, type PayloadType, type StandardSchemaV1 } from './payload-type.js';

export type MappedPayload =
  | { readonly kind: 'mapped'; readonly value: unknown }
  | { readonly kind: 'invalid'; readonly issues: readonly Issue[] };

/** Makes of a parsed body what a handler takes. Never rejects: a schema that throws has refused the payload. */
export async function mapPayload(type: PayloadType | undefined, payload: unknown): Promise<MappedPayload> {
  if (type === undefined) return { kind: 'mapped', value: payload };
  try {
    if (isSchema(type)) return await validate(type, payload);
    const schema = schemaOf(type);
    if (schema === undefined) return construct(type, payload);
    const checked = await validate(schema, payload);
    // The handler was promised an instance, methods and all, and a schema gives plain objects.
    const isDone = checked.kind === 'invalid' || checked.value instanceof type;
    return isDone ? checked : construct(type, checked.value);
  } catch (thrown) {
    return { kind: 'invalid', issues: [{ message: reasonOf(thrown) }] };
  }
}

/** The `static schema` of a class. */
function schemaOf(type: Ctor): StandardSchemaV1 | undefined {
  const { schema } = type as { readonly schema?: unknown };
  return isSchema(schema) ? schema : undefined;
}

async function validate(schema: StandardSchemaV1, payload: unknown): Promise<MappedPayload> {
  const result = await schema['~standard'].validate(payload);
  return result.issues === undefined
    ? { kind: 'mapped', value: result.value }
    : { kind: 'invalid', issues: result.issues };
}

/**
 * An instance with the payload's own members. `Object.assign` would run a `__proto__` member as a setter and so let the
 * sender choose the prototype; members are therefore defined, and that one left out.
 */
function construct(type: Ctor, payload: unknown): MappedPayload {
  if (
    typeof payload !== 'object' ||
    payload === null ||
    Array.isArray(payload) ||
    payload instanceof Uint8Array
  ) {
    return { kind: 'invalid', issues: [{ message: `expected an object to make a ${type.name} of` }] };
  }
  const members = payload instanceof URLSearchParams ? Object.fromEntries(payload) : payload;
  const instance = Reflect.construct(type as new () => object, []) as object;
  for (const [key, value] of Object.entries(members)) {
    if (key === '__proto__') continue;
    Object.defineProperty(instance, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return { kind: 'mapped', value: instance };
}
