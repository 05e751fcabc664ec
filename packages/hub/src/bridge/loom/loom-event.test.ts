import { describe, expect, it } from 'vitest';
import { entryWith } from '../entry.sample.js';
import { payloadOf } from '../payload.js';
import { loomEventOf } from './loom-event.js';

const ADDRESS = { name: 'mission_control.job_added', subject: 'Org/837ebb91' };
const PUBLISHED = {
  id: 'bd6b9b7f-5ea2-4015-a07a-e3ba15d083cd',
  timestamp: '2026-11-21T08:59:58Z',
  name: ADDRESS.name,
  version: '1.0',
  payload: { job_id: 7 },
  link: null,
  received_at: '2026-11-21T08:59:59.998Z',
  subject: ADDRESS.subject,
};

/** What readers are given of an event with this body, which was stored at nine o'clock. */
function givenOf(body: object): string {
  const entry = entryWith({ id: PUBLISHED.id, body: JSON.stringify(body) });
  return JSON.stringify(loomEventOf(entry, payloadOf(entry), ADDRESS));
}

describe('an event of Loom', () => {
  it('is given with the time of receipt that its publisher was answered, and in the order of Loom', () => {
    expect(givenOf(PUBLISHED)).toBe(JSON.stringify(PUBLISHED));
  });

  it.each([[undefined], ['noon'], [7], ['2026-11-21T10:00:00+01:00']])(
    'that says %j for a time of receipt is given with when it was stored',
    (received_at) =>
      expect(JSON.parse(givenOf({ ...PUBLISHED, received_at }))).toEqual({
        ...PUBLISHED,
        received_at: '2026-11-21T09:00:00.000Z',
      }),
  );

  it('without payload or link is given with null for them', () => {
    expect(JSON.parse(givenOf({ ...PUBLISHED, payload: undefined, link: undefined }))).toEqual({
      ...PUBLISHED,
      payload: null,
      link: null,
    });
  });
});
