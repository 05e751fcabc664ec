import { send, type Answer } from './http.js';
import { subscriptionsOf, type HubAddress, type Row } from './requests.js';
import type { Callback } from './callbacks.js';

/** A request to the management API; `body` goes as JSON. */
export function manage(
  hub: HubAddress,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return send(new URL(`/v1${path}`, hub.url).href, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** The id of the one subscription of this callback. */
export async function idOf(hub: HubAddress, callback: Callback): Promise<string> {
  const [row] = await subscriptionsOf(hub, callback.url);
  if (row === undefined) throw new Error('the hub knows no subscription of this callback');
  return String(row['id']);
}

/** The subscription with this id. */
export async function subscription(hub: HubAddress, id: string): Promise<Row> {
  const answer = await manage(hub, 'GET', `/subscriptions/${id}`);
  if (answer.status !== 200)
    throw new Error(`the subscription was answered ${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text) as Row;
}
