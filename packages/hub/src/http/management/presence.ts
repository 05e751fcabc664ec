import { z } from 'zod';
import { presenceTopicOf } from '../../access/topic-about.js';
import type { Bridge } from '../../bridge/bridge.js';
import { cursorOf } from '../../bridge/locate.js';
import { mayBegin } from '../../bridge/permit.js';
import { refusalOf, type Admit } from '../entrance.js';
import { operation, Problem, type Operation } from './operation.js';

export interface PresenceOptions {
  readonly admit: Admit;
  readonly bridge: Bridge;
}

export const presenceSchema = z.object({
  topic: z.string(),
  changes: z.string().describe('the topic whose updates tell who comes and goes; read it after the cursor'),
  cursor: z.string(),
  members: z.array(
    z.object({
      id: z.string().describe('the subject of a token, after its tenant; `anonymous:` and a name for others'),
      state: z.unknown().describe('what they tell of themselves'),
    }),
  ),
});

const query = z.object({ topic: z.url('topic is missing, or no URL: send topic=URL') });

/** Who is there. Whoever may read the topic may know. */
export function presenceOperations({ admit, bridge }: PresenceOptions): readonly Operation[] {
  return [
    operation({
      method: 'get',
      path: '/presence',
      id: 'getPresence',
      tag: 'presence',
      summary: 'Who reads a topic at the moment and says so',
      forManagers: false,
      query,
      answer: presenceSchema,
      problems: [401, 403],
      run: async ({ query: { topic }, request }) => {
        const entrance = await admit(request);
        if (!mayBegin(entrance.grant, [topic])) return Problem.of(refusalOf(entrance, 'reading this topic'));
        const { log, presence } = bridge;
        // Who came since is told behind this cursor, and to come twice is to come once.
        const cursor = cursorOf(log, log.head());
        const members = presence.records(topic).map(({ id, info }) => ({ id, state: info }));
        return { topic, changes: presenceTopicOf(topic), cursor, members };
      },
    }),
  ];
}
