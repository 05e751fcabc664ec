/** A value of type `T` that only one constructor hands out, so that a checked value is told from an unchecked one. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };
