import { describe, expect, it } from 'vitest';
import type { Position } from '../log/log.js';
import { FETCH_AGAIN_MS, fetched, pinged, validatorsOf } from './fetch-decision.js';
import { newTopicRecord } from './topic-record.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const topic = newTopicRecord('https://t.example/feed');

describe('pinged', () => {
  it('puts a fetch on the agenda, now', () => {
    expect(pinged(topic, { id: 'f1' }, NOW).fetch).toEqual({ id: 'f1', attempts: 0, dueAt: NOW });
  });

  it('hastens a fetch that waits for its next try, and keeps its id', () => {
    const waiting = { ...topic, fetch: { id: 'f1', attempts: 3, dueAt: NOW + 30_000 } };
    expect(pinged(waiting, { id: 'f2' }, NOW).fetch).toEqual({ id: 'f1', attempts: 0, dueAt: NOW });
  });
});

describe('fetched', () => {
  const due = pinged(topic, { id: 'f1' }, NOW);
  const validators = { digest: 'd1', position: 1 as Position };

  it('takes a fetch with content off the agenda and keeps its validators', () => {
    expect(fetched(due, { kind: 'content', validators }, undefined, NOW)).toEqual({
      record: { ...topic, validators },
      retryInMs: null,
    });
  });

  it('fetches once more when a ping arrived meanwhile, under another id', () => {
    expect(fetched(due, { kind: 'content', validators }, { id: 'f2' }, NOW).record.fetch).toEqual({
      id: 'f2',
      attempts: 0,
      dueAt: NOW,
    });
  });

  it('keeps the validators of content that was not modified', () => {
    const known = { ...due, validators };
    expect(fetched(known, { kind: 'not-modified' }, undefined, NOW).record).toEqual({
      ...known,
      fetch: null,
    });
  });

  it('tries a failing topic again, later each time, then leaves it until the next ping', () => {
    let record = due;
    const waits: (number | null)[] = [];
    while (record.fetch !== null) {
      const decision = fetched(record, { kind: 'failed', detail: 'answered 503' }, undefined, NOW);
      waits.push(decision.retryInMs);
      record = decision.record;
    }
    expect(waits).toEqual([...FETCH_AGAIN_MS, null]);
  });

  it('does not try a refusal again', () => {
    expect(fetched(due, { kind: 'refused', detail: 'answered 404' }, undefined, NOW).record.fetch).toBeNull();
  });
});

describe('validatorsOf', () => {
  const digest = 'd';
  const position = 3 as Position;

  it('keeps entity tag and date of content that settled', () => {
    const lastModified = 'Thu, 01 Jan 2026 11:00:00 GMT';
    expect(validatorsOf({ etag: '"a"', lastModified, digest, position }, NOW)).toEqual({
      etag: '"a"',
      lastModified,
      digest,
      position,
    });
    expect(validatorsOf({ etag: '"a"', lastModified: undefined, digest, position }, NOW)).toEqual({
      etag: '"a"',
      digest,
      position,
    });
  });

  it('distrusts validators of content that changed within these two seconds, or at no time that can be read', () => {
    expect(
      validatorsOf({ etag: '"a"', lastModified: 'Thu, 01 Jan 2026 11:59:59 GMT', digest, position }, NOW),
    ).toEqual({ digest, position });
    expect(validatorsOf({ etag: '"a"', lastModified: 'yesterday', digest, position }, NOW)).toEqual({
      digest,
      position,
    });
  });
});
