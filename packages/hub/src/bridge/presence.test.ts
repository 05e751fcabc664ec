import { TestClock } from '@websub/shared';
import { expect, it } from 'vitest';
import { AWAY_MS, Presence, type PresenceChange } from './presence.js';

function watched(): { clock: TestClock; presence: Presence; told: PresenceChange[]; end: () => void } {
  const clock = new TestClock();
  const presence = new Presence(clock);
  const told: PresenceChange[] = [];
  const end = presence.watch('room', (change) => told.push(change));
  return { clock, presence, told, end };
}

const ada = { id: 'ada', info: { name: 'Ada' } };
const [phone, laptop] = [{}, {}];

it('tells once of somebody who is there in two places, and when the last is left', () => {
  const { presence, told } = watched();
  presence.join('room', ada, phone);
  presence.join('room', ada, laptop);
  presence.leave('room', 'ada', phone, 'left');
  expect([told, presence.records('room')]).toEqual([[{ type: 'join', ...ada }], [ada]]);
  presence.leave('room', 'ada', laptop, 'left');
  expect([told.slice(1), presence.records('room')]).toEqual([[{ type: 'leave', id: 'ada' }], []]);
});

it('tells again of somebody who has something new to say', () => {
  const { presence, told } = watched();
  presence.join('room', ada, phone);
  presence.join('room', { id: 'ada', info: 'busy' }, phone);
  expect([told.at(-1), presence.records('room')]).toEqual([
    { type: 'join', id: 'ada', info: 'busy' },
    [{ id: 'ada', info: 'busy' }],
  ]);
});

it('tells nothing of a connection that broke and is back in time, and of one that is not, later', async () => {
  const { clock, presence, told } = watched();
  presence.join('room', ada, phone);
  presence.leave('room', 'ada', phone, 'lost');
  await clock.advance(AWAY_MS - 1);
  presence.join('room', ada, laptop);
  await clock.advance(AWAY_MS);
  presence.leave('room', 'ada', laptop, 'lost');
  expect(told).toHaveLength(1);
  await clock.advance(AWAY_MS);
  expect(told.slice(1)).toEqual([{ type: 'leave', id: 'ada' }]);
});

it('tells nobody of another room, or who has stopped watching, and takes nothing from who is not there', () => {
  const { presence, told, end } = watched();
  presence.join('other', ada, phone);
  presence.leave('room', 'ada', phone, 'left');
  presence.leave('other', 'ada', laptop, 'left');
  end();
  presence.join('room', ada, phone);
  expect([told, presence.records('other')]).toEqual([[], [ada]]);
});

it('LAW 8: takes a thousand into a room, and others of the same id', () => {
  const { presence } = watched();
  for (let nth = 0; nth < 1_000; nth++)
    expect(presence.join('room', { id: String(nth), info: null }, phone)).toBe(true);
  expect([
    presence.join('room', ada, phone),
    presence.join('room', { id: '7', info: 1 }, laptop),
    presence.join('other', ada, phone),
  ]).toEqual([false, true, true]);
});
