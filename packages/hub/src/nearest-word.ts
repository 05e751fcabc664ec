import { closestMatch } from 'leven';

/** More than so many letters to add, leave out or change make another word of it. */
const MOST_EDITS = 3;

/**
 * The one of the words that somebody meant who wrote something else: it differs in case and hyphens only, or in few letters.
 * `undefined` where none is near.
 */
export function nearestWord(written: string, words: readonly string[]): string | undefined {
  const bare = bareOf(written);
  const byBareWord = new Map(words.map((word) => [bareOf(word), word]));
  const maxDistance = Math.min(MOST_EDITS, Math.floor(bare.length / 2));
  const nearest = closestMatch(bare, [...byBareWord.keys()], { maxDistance });
  return nearest === undefined ? undefined : byBareWord.get(nearest);
}

function bareOf(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, '');
}
