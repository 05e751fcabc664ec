/** More than so many letters to add, leave out or change make another word of it. */
const MOST_EDITS = 3;

/**
 * The one of the words that somebody meant who wrote something else: it differs in case and hyphens only, or in few letters.
 * `undefined` where none is near.
 */
export function nearestWord(written: string, words: readonly string[]): string | undefined {
  const bare = bareOf(written);
  let nearest: string | undefined;
  let fewest = Math.min(MOST_EDITS, Math.floor(bare.length / 2)) + 1;
  for (const word of words) {
    const other = bareOf(word);
    // Each letter that one has more is an edit; whoever writes a key of a megabyte need not be compared with.
    if (Math.abs(other.length - bare.length) >= fewest) continue;
    const edits = editsBetween(bare, other);
    if (edits >= fewest) continue;
    nearest = word;
    fewest = edits;
  }
  return nearest;
}

function bareOf(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, '');
}

/** Levenshtein's distance: one row of his table after the other. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_unset, at) => at);
  for (const [at, letter] of Array.from(from).entries()) {
    const next = [at + 1];
    for (const [place, other] of Array.from(to).entries()) {
      next.push(
        Math.min(
          (next[place] ?? 0) + 1,
          (row[place + 1] ?? 0) + 1,
          (row[place] ?? 0) + (letter === other ? 0 : 1),
        ),
      );
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
