import { fetchEventSource } from '@microsoft/fetch-event-source';
import { EventSource } from 'eventsource';

/** A client library that reads a stream and comes back by itself. */
export interface SseClient {
  /** The data of the messages so far. */
  readonly messages: readonly string[];
  /** Whether it was told to stop, and will not come back. */
  readonly closed: boolean;
  close(): void;
}

/** `eventsource`: what browsers have, for Node. */
export function eventSource(url: string): SseClient {
  const messages: string[] = [];
  const source = new EventSource(url);
  source.addEventListener('message', ({ data }: { data: string }) => messages.push(data));
  return {
    messages,
    get closed() {
      return source.readyState === EventSource.CLOSED;
    },
    close: () => source.close(),
  };
}

/** `@microsoft/fetch-event-source`, which wants a page around it. */
export function fetchedEvents(url: string): SseClient {
  standInForPage();
  const messages: string[] = [];
  const ending = new AbortController();
  const reading = fetchEventSource(url, {
    signal: ending.signal,
    openWhenHidden: true,
    onmessage: ({ event, data }) => {
      if (event === '') messages.push(data);
    },
    onclose: () => {
      // Its way of saying that it shall come back.
      throw new Error('the stream has ended');
    },
    onerror: () => undefined,
  });
  reading.catch(() => undefined);
  return {
    messages,
    get closed() {
      return ending.signal.aborted;
    },
    close: () => ending.abort(),
  };
}

function standInForPage(): void {
  const page = { addEventListener: () => undefined, removeEventListener: () => undefined, hidden: false };
  Object.assign(globalThis, { window: globalThis, document: page });
}
