/* A chat whose phones lose their connections, with what ernius/notifier promised: nothing that happened meanwhile is lost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub } from '@websub/hub';
import { Phone, type Event } from './phone.js';

const data = await mkdtemp(join(tmpdir(), 'websub-notifier-'));
let hub = await createHub({ dev: true, port: 0, data, topicBase: 'https://chat.example/' });

function tell(who: string, what: string): void {
  console.log(`  ${who.padEnd(9)} ${what}`);
}

async function post(path: string, body: unknown): Promise<void> {
  const answer = await fetch(new URL(path, hub.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  tell('connector', `POST /${path}: ${await answer.text()}`);
}

let clock = 100;
/** The chat's own clock says when. */
function said(accessid: string, payload: string): Event {
  clock += 10;
  return { accessid, created_at: clock, payload };
}

async function showClients(): Promise<void> {
  const answer = await fetch(new URL('clients', hub.url));
  tell('hub', await answer.text());
}

const alice = new Phone('alice', (what) => tell('alice', what));

console.log('\nalice is online, and so she is told at once. bob is not.\n');
await alice.online(hub.url);
const first = alice.next();
await post('push_events', [
  said('alice', 'Are you there?'),
  said('bob', 'And you?'),
  said('alice', 'Hello?'),
]);
await first;
await showClients();

console.log('\nalice is away; the hub is stopped, and another one goes on with its data.\n');
alice.offline();
await post('push_events', [said('alice', 'I am at the station.')]);
await hub.stop();
hub = await createHub({ dev: true, port: 0, data, topicBase: 'https://chat.example/' });
await post('push_events', [said('alice', 'The train is late.')]);

console.log('\nShe comes back with the time of what she has, and is given the rest in one list.\n');
const missed = alice.next();
await alice.online(hub.url);
await missed;

console.log('\nHer account is closed.\n');
const gone = alice.next();
await post('drop_user', { drop_access_id: 'alice' });
await gone;

await hub.stop();
await rm(data, { recursive: true });
