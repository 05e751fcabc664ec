import { TestClock } from '@websub/shared';
import { expect, it } from 'vitest';
import { Presence } from '../presence.js';
import { Attendance } from './attendance.js';
import type { PresenceMessage } from './messages.js';

function attending(): {
  readonly presence: Presence;
  readonly attendance: Attendance;
  readonly said: PresenceMessage[];
  readonly client: { takes: boolean; overwhelmed: number };
} {
  const presence = new Presence(new TestClock());
  const said: PresenceMessage[] = [];
  const client = { takes: true, overwhelmed: 0 };
  const attendance = new Attendance({
    presence,
    room: 'room',
    say: (message) => said.push(message),
    hasRoom: () => client.takes,
    onOverwhelmed: () => (client.overwhelmed += 1),
  });
  return { presence, attendance, said, client };
}

it('tells a client that took nothing for a while how it is now, and not how it came to that', () => {
  const { presence, attendance, said, client } = attending();
  const [ada, bob] = [{}, {}];
  presence.join('room', { id: 'ada', info: 1 }, ada);
  client.takes = false;
  presence.join('room', { id: 'bob', info: 1 }, bob);
  presence.join('room', { id: 'bob', info: 2 }, bob);
  presence.leave('room', 'ada', ada, 'left');
  attendance.catchUp();
  expect(said).toEqual([{ type: 'join', id: 'ada', info: 1 }]);
  client.takes = true;
  attendance.catchUp();
  expect(said.slice(1)).toEqual([
    { type: 'join', id: 'bob', info: 2 },
    { type: 'leave', id: 'ada' },
  ]);
});

it('LAW 8: sends a client away for which too much waits', () => {
  const { presence, client } = attending();
  client.takes = false;
  for (let nth = 0; nth <= 2_000; nth++) {
    const holder = {};
    presence.join('room', { id: String(nth), info: null }, holder);
    presence.leave('room', String(nth), holder, 'left');
  }
  expect(client.overwhelmed).toBeGreaterThan(0);
});

it('leaves as one when it comes as another', () => {
  const { presence, attendance } = attending();
  attendance.join({ id: 'ada', info: null });
  attendance.join({ id: 'bob', info: null });
  expect(presence.records('room')).toEqual([{ id: 'bob', info: null }]);
  attendance.end('left');
  expect(presence.records('room')).toEqual([]);
});
