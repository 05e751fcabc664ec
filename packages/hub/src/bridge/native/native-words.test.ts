import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { until } from '../../http/socket-server.sample.js';
import { connect, start } from './native.sample.js';
import { parseWord, type Parsed } from './parse-word.js';
import { CLIENT_WORDS } from './words.js';

/** A word that there is, a mistake with its cure, or nonsense. */
function isSound(parsed: Parsed): boolean {
  switch (parsed.kind) {
    case 'word':
      return Object.hasOwn(CLIENT_WORDS, parsed.word.op);
    case 'wrong':
      return /: .+/.test(parsed.detail);
    case 'nonsense':
      return true;
  }
}

describe('what a client says', () => {
  const ops = Object.keys(CLIENT_WORDS);
  const words = fc.record(
    {
      op: fc.oneof(fc.constantFrom(...ops), fc.string()),
      sid: fc.oneof(fc.string(), fc.anything()),
      topics: fc.oneof(fc.array(fc.webUrl()), fc.anything()),
      from: fc.oneof(fc.string(), fc.anything()),
      credit: fc.oneof(fc.nat(), fc.anything()),
      n: fc.anything(),
      filter: fc.anything(),
      data: fc.anything(),
      token: fc.anything(),
    },
    { requiredKeys: ['op'] },
  );

  it('is read, whatever it is, as a word, as a mistake, or as nonsense', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          words.map((word) => JSON.stringify(word) ?? ''),
          fc.json(),
          fc.string(),
        ),
        (text) => {
          const parsed = parseWord(text);
          expect(parsed).toSatisfy(isSound);
        },
      ),
    );
  });

  it('breaks nothing, whatever it is', async () => {
    const room = await start();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            words.map((word) => JSON.stringify(word) ?? ''),
            fc.json(),
          ),
          { maxLength: 8 },
        ),
        async (texts) => {
          const client = await connect(room);
          for (const text of texts) client.raw(text);
          client.raw('{"op":"ping","t":"end"}');
          await until(() => client.closed !== undefined || client.of('pong').some(({ t }) => t === 'end'));
          expect(room.faults).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });
});
