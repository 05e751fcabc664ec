/* Two wallets shake hands. Each waits for the one event that it knows is coming, as with the Waypoint of acapy-cloud. */
import { createHub } from '@websub/hub';
import { createPublisher } from '@websub/publisher';
import { SignJWT } from 'jose';
import { Waiting } from './waiting.js';

const SECRET = 'the secret that acapy-cloud signs the tokens of its tenants with';
const ADMIN_KEY = 'the-key-of-the-admin-of-acme';
const STATES = ['invitation', 'request', 'response', 'completed'];

const hub = await createHub({
  dev: true,
  port: 0,
  data: ':memory:',
  waypointJwtSecret: SECRET,
  waypointAdminKeys: [`acme=${ADMIN_KEY}`],
});
const publisher = createPublisher({ hub: hub.url });

/** What a tenant shows in x-api-key. */
async function keyOf(wallet: string): Promise<string> {
  const token = await new SignJWT({ wallet_id: wallet })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRET));
  return `tenant.${token}`;
}

function addressOf(wallet: string, state: string): string {
  return `${hub.url}tenant/v1/sse/${wallet}/connections/connection_id/${wallet}-1/${state}?look_back=60`;
}

/** An agent tells what has happened in a wallet. */
async function happened(wallet: string, state: string): Promise<void> {
  await publisher.publish(`${hub.url}wallets/${wallet}/connections`, {
    wallet_id: wallet,
    topic: 'connections',
    origin: 'multitenant',
    group_id: 'acme',
    payload: { connection_id: `${wallet}-1`, state },
  });
}

function tell(who: string, what: string): void {
  console.log(`  ${who.padEnd(7)} ${what}`);
}

/** Waits, and tells when the event is there and when the client has stopped. */
async function wait(wallet: string, state: string): Promise<void> {
  const waiting = new Waiting(addressOf(wallet, state), await keyOf(wallet));
  const { payload } = await waiting.event;
  tell(wallet, `is given "${payload.state}" of ${payload.connection_id}`);
  const statuses = await waiting.stopped;
  tell(wallet, `was answered ${statuses.join(', then ')}, and has stopped by itself`);
}

console.log('\nfaber and alice wait until their connections are completed; nothing has happened yet.\n');
const waiting = Promise.all(['faber', 'alice'].map((wallet) => wait(wallet, 'completed')));
for (const state of STATES) {
  tell('agents', `say "${state}"`);
  await Promise.all(['faber', 'alice'].map((wallet) => happened(wallet, state)));
}
await waiting;

console.log('\nWho asks afterwards is given what happened in the last minute, at once.\n');
await wait('faber', 'request');

console.log('\nNobody waits for what is not his.\n');
for (const [what, key] of [
  ['without a key', undefined],
  ['with a key that is none', 'nothing'],
  ["with alice's key", await keyOf('alice')],
  ['as admin of acme', `tenant-admin.${ADMIN_KEY}`],
] as const) {
  const leaving = new AbortController();
  const answer = await fetch(addressOf('faber', 'completed'), {
    headers: key === undefined ? {} : { 'x-api-key': key },
    signal: leaving.signal,
  });
  const { status } = answer;
  const said = status === 200 ? 'and the event' : await answer.text();
  leaving.abort();
  console.log(`  ${what.padEnd(24)} ${status} ${said}`);
}

await publisher.close();
await hub.stop();
