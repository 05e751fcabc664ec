import { send, type Answer } from './http.js';
import type { HubAddress } from './requests.js';

export const ADMIN_KEY = 'the-admin-key-of-the-test';
export const ADMIN = bearer(ADMIN_KEY);

/** A hub as on the internet, but for callbacks on this machine. */
export const GUARDED = ['--allow-network', '127.0.0.0/8', '--admin-key', ADMIN_KEY];

export function bearer(credential: string): Readonly<Record<'authorization', string>> {
  return { authorization: `Bearer ${credential}` };
}

export function postJson(
  hub: HubAddress,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = ADMIN,
): Promise<Answer> {
  return send(new URL(path, hub.url).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

export interface CreatedKey {
  readonly id: string;
  readonly key: string;
}

/** A new API key. */
export async function createKey(hub: HubAddress, fields: object): Promise<CreatedKey> {
  const answer = await postJson(hub, '/v1/credentials', fields);
  if (answer.status !== 201) throw new Error(`the key was answered ${answer.status}: ${answer.text}`);
  return JSON.parse(answer.text) as CreatedKey;
}

export async function revokeKey(hub: HubAddress, id: string): Promise<void> {
  const { status } = await send(new URL(`/v1/credentials/${id}`, hub.url).href, {
    method: 'DELETE',
    headers: ADMIN,
  });
  if (status !== 204) throw new Error(`the revocation was answered ${status}`);
}

/** Asks for a ticket: the plainest question whether a credential is good. */
export function askTicket(hub: HubAddress, credential: string, part: object = {}): Promise<Answer> {
  return postJson(hub, '/v1/tickets', part, bearer(credential));
}

export async function ticketOf(hub: HubAddress, credential: string, part: object = {}): Promise<string> {
  const answer = await askTicket(hub, credential, part);
  if (answer.status !== 201) throw new Error(`the ticket was answered ${answer.status}: ${answer.text}`);
  return (JSON.parse(answer.text) as { ticket: string }).ticket;
}
