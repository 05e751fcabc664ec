export const TOPICS: readonly string[];
export const PLACES: readonly string[];
export const KEPT_ENTRIES: number;
export function bodyOf(id: string): Buffer;
