/**
 * The text of a member of a JSON object as it is written, so that no number loses digits by being read; the last one where
 * the name is there several times, as JSON.parse has it. `undefined` where there is none. The text has to be JSON.
 */
export function jsonMember(json: string, name: string): string | undefined {
  const members = /[{}[\]",]/g;
  let depth = 0;
  let key: string | undefined;
  let start = 0;
  let found: string | undefined;
  const end = (at: number): void => {
    if (depth === 1 && key === name) found = json.slice(start, at).trim();
  };
  // Each round goes on behind what was found, to the end of the text at most.
  for (let match = members.exec(json); match !== null; match = members.exec(json)) {
    const { index } = match;
    switch (match[0]) {
      case '"': {
        const after = endOfString(json, index);
        const colon = /\s*:/y;
        colon.lastIndex = after;
        if (depth === 1 && colon.test(json)) {
          key = JSON.parse(json.slice(index, after)) as string;
          start = colon.lastIndex;
        }
        members.lastIndex = after;
        break;
      }
      case ',':
        end(index);
        break;
      case '{':
      case '[':
        // A list has no members.
        if (depth === 0 && match[0] === '[') return undefined;
        depth += 1;
        break;
      default:
        end(index);
        depth -= 1;
    }
  }
  return found;
}

function endOfString(json: string, start: number): number {
  const quote = /["\\]/g;
  quote.lastIndex = start + 1;
  for (let match = quote.exec(json); match !== null; match = quote.exec(json)) {
    if (match[0] === '"') return quote.lastIndex;
    quote.lastIndex += 1;
  }
  return json.length;
}

/** JSON on one line: no line break stands in a string of it. */
export function onOneLine(json: string): string {
  return json.replaceAll(/[\r\n]+/g, ' ');
}
