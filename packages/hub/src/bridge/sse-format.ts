/** The bytes of Server-Sent Events (WHATWG HTML §9.2): pure. Lines end in LF. */

/** What keeps a connection open. No blank line: some clients would take that for an empty event. */
export const HEARTBEAT = Buffer.from(':\n');

/** The first bytes; `retry` joins the first event that follows, for the same reason. */
export function opening(retryMs: number): Buffer {
  return Buffer.from(`:\nretry: ${retryMs}\n`);
}

/** The names of the hub's own events, and what `EventSource` itself fires: no publisher may call its events so. */
const CONTROL_EVENTS = ['stream', 'gap', 'live', 'expiring', 'busy', 'bye', 'timeout'] as const;
export type ControlEvent = (typeof CONTROL_EVENTS)[number];
const RESERVED: ReadonlySet<string> = new Set([...CONTROL_EVENTS, 'message', 'open', 'error']);

export interface SseEvent {
  /** Where a client resumes. */
  readonly id?: string | undefined;
  /** Absent, and reserved names: `message`. */
  readonly name?: string | undefined;
  readonly data: string;
}

/** An event of a publisher. */
export function eventText({ id, name, data }: SseEvent): string {
  return textOf({ id, name: name === undefined || RESERVED.has(name) ? undefined : name, data });
}

/** How the hub's own are told: as named events, or as comments to clients that know the events of another system only. */
export type ControlStyle = 'events' | 'comments';

/** An event of the hub's own; `retryMs` is when the client shall come back after the end of the stream. */
export function controlFrame(
  name: ControlEvent,
  value: unknown,
  {
    id,
    retryMs,
    style = 'events',
  }: { readonly id?: string; readonly retryMs?: number; readonly style?: ControlStyle } = {},
): Buffer {
  const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`;
  if (style === 'comments') return Buffer.from(`${retry}: ${name} ${JSON.stringify(value)}\n`);
  return Buffer.from(retry + textOf({ id, name, data: JSON.stringify(value) }));
}

function textOf({ id, name, data }: SseEvent): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  const nameLine = name === undefined ? '' : `event: ${name}\n`;
  return `${idLine}${nameLine}data: ${data.replaceAll(/\r\n|\n|\r/g, '\ndata: ')}\n\n`;
}
