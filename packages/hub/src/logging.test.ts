import { TestClock } from '@websub/shared';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { HubEmitter, type HubEvents } from './events.js';
import type { LogLevel } from './log-levels.js';
import { createLogger, LEVEL_OF, logEvents } from './logging.js';

const NAMES = Object.keys(LEVEL_OF) as (keyof HubEvents)[];
const HOSTILE = [
  'two\nlines\r\n{"level":"error","msg":"forged"}',
  '"},{"level":"error"',
  'a NUL \u0000, a bell \u0007, colours \u001b[31m',
  'a C1 control \u009b31m, DEL \u007f, NEL \u0085',
  'line separators \u2028 and \u2029',
  'half a pair \ud800',
  '__proto__',
  'x'.repeat(1_000_000),
];

/** What a log is written to, for events at any level. */
function logged(options: { readonly level?: LogLevel; readonly readable?: boolean } = {}) {
  const lines: string[] = [];
  const { level = 'trace', readable = false } = options;
  const logger = createLogger({ level, readable, destination: { write: (line) => lines.push(line) } });
  const events = new HubEmitter();
  const clock = new TestClock();
  logEvents(events, logger, clock);
  // Every field that any event has, whichever event it is.
  const emit = (name: keyof HubEvents, payload: object): void => void events.emit(name, payload as never);
  return { lines, emit, clock };
}

function everywhere(text: string): object {
  const url = `https://example.com/${text}?secret=${text}`;
  const fields = [
    'subscription',
    'entry',
    'cursor',
    'reason',
    'detail',
    'origin',
    'where',
    'key',
    'value',
    'cure',
  ];
  return {
    ...Object.fromEntries(fields.map((field) => [field, text])),
    topic: url,
    callback: url,
    error: new Error(text),
  };
}

describe('the log', () => {
  it('LAW 10: is one line of JSON for each event, whatever strangers have put into it', () => {
    const { lines, emit } = logged();
    for (const text of HOSTILE) for (const name of NAMES) emit(name, everywhere(text));
    expect(lines).toHaveLength(HOSTILE.length * NAMES.length);
    for (const [nth, line] of lines.entries()) {
      expect(line).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\n$/);
      expect(line.length).toBeLessThan(20_000);
      expect((JSON.parse(line) as { msg: string }).msg).toBe(NAMES[nth % NAMES.length]);
    }
  });

  it('tells a fault that lasts once a minute, and how often it came meanwhile', async () => {
    const { lines, emit, clock } = logged();
    const full = { where: 'POST /', error: new Error('there is no space left') };
    for (let time = 1; time <= 1_000; time++) emit('fault', full);
    emit('fault', { ...full, where: 'verification' });
    expect(lines).toHaveLength(2);
    await clock.advance(60_000);
    emit('fault', full);
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ where: 'POST /', leftOut: 999 });
  });

  it('keeps in JSON what it shows in a terminal as a replacement', () => {
    const json = logged();
    const readable = logged({ readable: true });
    for (const { emit } of [json, readable])
      emit('fault', { where: 'a\u009bb', error: new Error('c\u2028d') });
    expect(JSON.parse(json.lines[0] ?? '')).toMatchObject({ where: 'a\u009bb', error: 'c\u2028d' });
    expect(readable.lines[0]).toContain('a\ufffdb');
  });

  it('shows a topic without its query, and a callback as its origin and a hash', () => {
    const { lines, emit } = logged();
    emit('dead-letter', {
      topic: 'https://a.example/feed?key=s3cret',
      callback: 'https://b.example/c4pability?x=1',
      detail: 'at https://c.example/c4pability?x=1, "HTTP://d.example/c4pability", port http://[bad',
    });
    const line = JSON.parse(lines[0] ?? '') as Record<string, string>;
    expect(line['topic']).toBe('https://a.example/feed');
    expect(line['callback']).toMatch(/^https:\/\/b\.example\/#[0-9a-f]{8}$/);
    expect(line['detail']).toBe('at https://c.example/… "http://d.example/…", port (not a URL)/…');
  });

  it('tells two callbacks of one origin apart', () => {
    const { lines, emit } = logged();
    for (const path of ['one', 'two', 'one']) emit('dead-letter', { callback: `https://b.example/${path}` });
    const [first, second, third] = lines.map((line) => (JSON.parse(line) as { callback: string }).callback);
    expect(first).toBe(third);
    expect(first).not.toBe(second);
  });

  it('has the events that docs/observing.md describes, at those levels', async () => {
    const manual = await readFile(new URL('../../../docs/observing.md', import.meta.url), 'utf8');
    const rows = [...manual.matchAll(/^\| (`[a-z-]+`(?: `[a-z-]+`)*) +\| (\w+) +\|/gm)];
    const described = rows.flatMap(([, names = '', level]) =>
      names.split(' ').map((name) => [name.replaceAll('`', ''), level]),
    );
    expect(Object.fromEntries(described)).toEqual(LEVEL_OF);
  });

  it('has what its level lets through', () => {
    const { lines, emit } = logged({ level: 'warn' });
    for (const name of NAMES) emit(name, {});
    const names = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(names).toEqual(NAMES.filter((name) => ['warn', 'error'].includes(LEVEL_OF[name])));
  });
});
