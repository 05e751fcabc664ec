import { describe, expect, it } from 'vitest';
import { controlFrame, eventText, HEARTBEAT, opening } from './sse-format.js';

const text = (bytes: Buffer): string => bytes.toString();

describe('the bytes of server-sent events', () => {
  it('an event has its id, its name and its data, line by line', () => {
    expect(eventText({ id: 'k.7', name: 'paid', data: '{"a":1}' })).toBe(
      'id: k.7\nevent: paid\ndata: {"a":1}\n\n',
    );
    expect(eventText({ id: 'k.7', data: 'a\nb\r\nc\rd' })).toBe(
      'id: k.7\ndata: a\ndata: b\ndata: c\ndata: d\n\n',
    );
    expect(eventText({ data: '' })).toBe('data: \n\n');
    expect(eventText({ data: ' x' })).toBe('data:  x\n\n');
  });

  it.each(['gap', 'live', 'expiring', 'busy', 'bye', 'timeout', 'open', 'error', 'message'])(
    'a publisher cannot pass an event for %s',
    (name) => {
      expect(eventText({ name, data: 'x' })).toBe('data: x\n\n');
    },
  );

  it('an event of the hub is named, so that no one takes it for data', () => {
    expect(text(controlFrame('bye', { reason: 'drain' }, { id: 'k.9', retryMs: 1500 }))).toBe(
      'retry: 1500\nid: k.9\nevent: bye\ndata: {"reason":"drain"}\n\n',
    );
    expect(text(controlFrame('expiring', { exp: 1 }))).toBe('event: expiring\ndata: {"exp":1}\n\n');
  });

  it('to clients of other systems it is a comment, which none of them takes for data', () => {
    expect(
      text(controlFrame('bye', { reason: 'drain' }, { id: 'k.9', retryMs: 1500, style: 'comments' })),
    ).toBe('retry: 1500\n: bye {"reason":"drain"}\n');
  });

  it('what is no event has no blank line', () => {
    expect(text(HEARTBEAT)).toBe(':\n');
    expect(text(opening(2_000))).toBe(':\nretry: 2000\n');
  });
});
