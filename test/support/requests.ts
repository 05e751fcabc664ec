import type { Callback } from './callbacks.js';
import { send, type Answer } from './http.js';
import { until } from './until.js';

/** Form fields; a list gives the name several times, in order. */
export type Fields = Readonly<Record<string, string | number | readonly string[]>>;

export const FORM = 'application/x-www-form-urlencoded';

export function formOf(fields: Fields): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const each of Array.isArray(value) ? (value as readonly string[]) : [String(value)])
      params.append(name, each);
  }
  return params.toString();
}

/** Where a hub is, and with which key its management is reached. */
export interface HubAddress {
  readonly url: string;
}

export function postForm(
  hub: HubAddress,
  fields: Fields,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return send(hub.url, {
    method: 'POST',
    headers: { 'content-type': FORM, ...headers },
    body: formOf(fields),
  });
}

/** A request to subscribe; `more` adds or replaces fields. */
export function subscribe(
  hub: HubAddress,
  callback: string,
  topic: string,
  more: Fields = {},
): Promise<Answer> {
  return postForm(hub, { 'hub.mode': 'subscribe', 'hub.callback': callback, 'hub.topic': topic, ...more });
}

export function unsubscribe(
  hub: HubAddress,
  callback: string,
  topic: string,
  more: Fields = {},
): Promise<Answer> {
  return postForm(hub, { 'hub.mode': 'unsubscribe', 'hub.callback': callback, 'hub.topic': topic, ...more });
}

/** The status address in the answer to a request to subscribe. */
export function statusAddress({ text }: Answer): string {
  return /^Status: (\S+)$/m.exec(text)?.[1] ?? '';
}

/** The answer to a request without the address, which is another one each time. */
export function withoutAddress(text: string): string {
  return text.replace(/\/status\/[\w-]{16}$/m, '/status/…');
}

/**
 * Subscribes, and settles when the callback has been asked. Whatever is published from then on is owed to it, if it
 * confirmed.
 */
export async function subscribed(
  hub: HubAddress,
  callback: Callback,
  topic: string,
  more: Fields = {},
): Promise<void> {
  const before = callback.verifications().length;
  const answer = await subscribe(hub, callback.url, topic, more);
  if (answer.status !== 202)
    throw new Error(`the subscription was answered ${answer.status}: ${answer.text}`);
  await until('the subscription was verified', () => callback.verifications().length > before);
}

/** Unsubscribes, and settles when the hub no longer knows the subscription. */
export async function unsubscribed(
  hub: HubAddress,
  callback: Callback,
  topic: string,
  more: Fields = {},
): Promise<void> {
  const answer = await unsubscribe(hub, callback.url, topic, more);
  if (answer.status !== 202)
    throw new Error(`the unsubscription was answered ${answer.status}: ${answer.text}`);
  await until(
    'the subscription has ended',
    async () => (await subscriptionsOf(hub, callback.url)).length === 0,
  );
}

export function ping(hub: HubAddress, ...topics: readonly string[]): Promise<Answer> {
  return postForm(hub, { 'hub.mode': 'publish', 'hub.url': topics });
}

export interface Publication {
  readonly id?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Publishes with content. */
export function publish(
  hub: HubAddress,
  topic: string,
  body: string | Uint8Array,
  { id, type, subject, contentType = 'text/plain', headers = {} }: Publication = {},
): Promise<Answer> {
  const query = formOf({
    'hub.mode': 'publish',
    'hub.topic': topic,
    ...(id === undefined ? {} : { 'hub.id': id }),
    ...(type === undefined ? {} : { 'hub.type': type }),
    ...(subject === undefined ? {} : { 'hub.subject': subject }),
  });
  return send(`${hub.url}?${query}`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...headers },
    body,
  });
}

/** {@link publish} that must be accepted; settles with the cursor. */
export async function published(
  hub: HubAddress,
  topic: string,
  body: string | Uint8Array,
  publication: Publication = {},
): Promise<string> {
  const answer = await publish(hub, topic, body, publication);
  if (answer.status !== 202) throw new Error(`the publication was answered ${answer.status}: ${answer.text}`);
  return String(answer.headers['hub-cursor'] ?? '');
}

export type Row = Readonly<Record<string, unknown>>;

export interface Page {
  readonly items: readonly Row[];
  /** What to give as `after` for the next page; absent on the last. */
  readonly next: string | undefined;
}

/** One page of a management list. */
export async function page(
  hub: HubAddress,
  path: string,
  query: Fields = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const answer = await send(new URL(`${path}?${formOf(query)}`, hub.url).href, { headers });
  if (answer.status !== 200) throw new Error(`GET ${path} was answered ${answer.status}: ${answer.text}`);
  const body = JSON.parse(answer.text) as { items: readonly Row[]; next?: string | null };
  return { items: body.items, next: body.next ?? undefined };
}

/** All rows of a management list, page by page; at most 1,000 pages. */
export async function listAll(
  hub: HubAddress,
  path: string,
  query: Fields = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Row[]> {
  const rows: Row[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < 1_000; pages++) {
    const { items, next } = await page(
      hub,
      path,
      { limit: 1_000, ...query, ...(after === undefined ? {} : { after }) },
      headers,
    );
    rows.push(...items);
    if (next === undefined) return rows;
    after = next;
  }
  throw new Error(`${path} does not end`);
}

export function subscriptionsOf(hub: HubAddress, callback: string): Promise<Row[]> {
  return listAll(hub, '/v1/subscriptions', { callback });
}

/** Settles when the subscription of this callback to this topic is in the state. */
export async function inState(hub: HubAddress, callback: Callback, state: string): Promise<Row> {
  return until(`the subscription is ${state}`, async () => {
    const rows = await subscriptionsOf(hub, callback.url);
    return rows.find((row) => row['state'] === state);
  });
}

/** The value of one sample of `/metrics`, all its labels summed; `undefined` when there is none. */
export async function metric(hub: HubAddress, name: string): Promise<number | undefined> {
  const { text } = await send(new URL('/metrics', hub.url).href);
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}

/** What the process of the hub takes of the memory. */
export async function residentBytes(hub: HubAddress): Promise<number> {
  return (await metric(hub, 'process_resident_memory_bytes')) ?? NaN;
}
