import type { Store } from '../store.js';

/** A registry, and the places that go with its subscriptions. */
export type RegistryUnderTest = Pick<Store, 'registry' | 'places'>;
