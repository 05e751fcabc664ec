// What the writer writes, so that the test knows it again.
export const TOPICS = ['https://publisher.example/a', 'https://publisher.example/b'];
export const PLACES = Array.from({ length: 40 }, (_, index) => `subscription-${index}`);
/** The writer trims the log to this many entries. */
export const KEPT_ENTRIES = 2_000;

/** A body that can be told from any other: up to 20 KiB of the id. */
export function bodyOf(id) {
  return Buffer.alloc(Number.parseInt(id.slice(0, 4), 16) % 20_480, id);
}
