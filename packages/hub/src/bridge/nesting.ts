/** How deep JSON may nest: to write what nests some thousands deep takes more stack than there is, which ends a process. */
export const MOST_NESTED = 256;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Whether the text, which is JSON or nothing that will be read, nests deeper than {@link MOST_NESTED}. */
export function isNestedTooDeep(json: string): boolean {
  // It takes that many brackets.
  if (json.length <= MOST_NESTED) return false;
  let depth = 0;
  let isString = false;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (isString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) isString = false;
    } else if (code === QUOTE) isString = true;
    else if (OPENING.has(code)) {
      depth += 1;
      if (depth > MOST_NESTED) return true;
    } else if (CLOSING.has(code)) depth -= 1;
  }
  return false;
}
