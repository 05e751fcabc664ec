import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { anyCable, cableUrl, RailsClients, type CableClient } from '../support/cable-clients.js';
import { send } from '../support/http.js';
import { published } from '../support/requests.js';
import { until } from '../support/until.js';
import { useWorld } from '../support/world.js';

const AUDIENCE = 'https://loom.example/';
const SECRET = Buffer.alloc(32, 9);
const ORG = '837ebb91-2d4b-4818-a19b-04fea7be8cde';

const folder = mkdtempSync(join(tmpdir(), 'websub-keys-'));
const keys = join(folder, 'keys.json');
writeFileSync(
  keys,
  JSON.stringify({ keys: [{ kty: 'oct', alg: 'HS256', k: SECRET.toString('base64url') }] }),
);
const world = useWorld({ flags: ['--jwt-keys', keys, '--jwt-audience', AUDIENCE, '--query-token'] });
let rails: RailsClients;

beforeAll(() => {
  rails = new RailsClients();
});
afterAll(() => {
  rails.close();
  rmSync(folder, { recursive: true });
});

/** `exp` is seconds since the epoch. */
function tokenOf(organisation: string, exp = Math.floor(Date.now() / 1000) + 3_600): Promise<string> {
  return new SignJWT({ sub: `Organization/${organisation}` })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience(AUDIENCE)
    .setExpirationTime(exp)
    .sign(SECRET);
}

/** Publishes an event; settles with its id. */
async function fire(name: string, organisation = ORG): Promise<string> {
  const id = randomUUID();
  const timestamp = new Date().toISOString();
  const event = {
    id,
    name,
    subject: `Org/${organisation}`,
    timestamp,
    version: '1.0',
    payload: {},
    link: null,
  };
  const { status, text } = await send(new URL('api/v1/events', world.hub.url).href, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event }),
  });
  if (status !== 201) throw new Error(`the event was answered ${status}: ${text}`);
  return id;
}

/** What happens with a client, ended with the test. */
function watched<Client extends CableClient>(client: Client): Client {
  onTestFinished(() => client.close());
  return client;
}

const idsOf = ({ messages }: CableClient): unknown[] => messages.map(({ id }) => id);

it('the program of the documentation of Loom, at another URL, prints the events that it names of its organisation', async () => {
  const original = readFileSync(new URL('../support/loom-program.txt', import.meta.url), 'utf8');
  const program = original.replace(
    'wss://loom.sandbox.zaikio.com/websocket',
    cableUrl(world.hub, 'websocket'),
  );
  expect(program).not.toBe(original);
  // As it was published: it reads its token from `proces`.
  const child = spawn(
    process.execPath,
    ['--import', 'data:text/javascript,globalThis.proces=process', '--input-type=module', '--eval', program],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, JWT_TOKEN: await tokenOf(ORG) },
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // It does not say when it has subscribed.
  const ids = await until('it is given an event', async () => {
    const id = await fire('mission_control.job_added');
    return output.includes('webhook received') ? [id] : undefined;
  });
  await fire('mission_control.job_lost');
  await fire('mission_control.job_added', 'another');
  ids.push(await fire('mission_control.job_updated'));
  await until('it has the others', () => ids.every((id) => output.includes(id)));
  expect(output).toContain(`subject: 'Org/${ORG}'`);
  expect(output).not.toMatch(/job_lost|another|rror/);
}, 60_000);

describe("Rails' client", () => {
  it('is given the events that it names, rewinds, and comes back when the hub was stopped', async () => {
    const token = await tokenOf(ORG);
    const client = watched(
      rails.open(
        cableUrl(world.hub),
        { channel: 'EventChannel', events: 'shop.order_paid,shop.order_sent' },
        { subprotocol: `anycable-token.${token}` },
      ),
    );
    await until('it is connected', () => client.happened.includes('connected'));
    const ids = [await fire('shop.order_paid'), await fire('shop.order_sent')];
    await fire('shop.order_lost');
    await fire('shop.order_paid', 'another');
    ids.push(await fire('shop.order_paid'));
    await until('it has the events', () => client.messages.length === 3);
    client.perform('rewind', { id: ids[0] });
    await until('it has them again', () => client.messages.length === 5);
    expect(idsOf(client)).toEqual([...ids, ...ids.slice(1)]);
    await world.hub.terminate();
    await until('it is disconnected', () => client.happened.includes('disconnected'));
    await world.hub.restart();
    client.hurry();
    await until('it is back', () => client.happened.length >= 3, 30_000);
    const last = await fire('shop.order_sent');
    await until('it goes on', () => idsOf(client).includes(last));
    expect(client.happened).toEqual(['connected', 'disconnected', 'connected']);
  }, 60_000);

  it('gives up where it is told that it may not', async () => {
    const url = cableUrl(world.hub);
    const refused = watched(rails.open(url, { channel: 'ChatChannel' }));
    await until('it is rejected', () => refused.happened.includes('rejected'));
    const stranger = watched(
      rails.open(`${url}?token=eyJhbGc.eyJ3.s-_g`, { channel: 'EventChannel', events: '*' }),
    );
    await until('it is sent away', () => stranger.happened.includes('disconnected'));
    expect(stranger.happened).toEqual(['disconnected']);
  });
});

describe('clients with a place', () => {
  const topic = 'https://shop.example/places';

  /** Publishes 0, 1, 2, … through whatever happens to the hub, until it is told to stop; settles with how many. */
  function keepPublishing(): { readonly stop: () => Promise<number> } {
    let stopped = false;
    const publishing = (async () => {
      let count = 0;
      for (; !stopped; count++) {
        const id = `n${count}`;
        await until('it is accepted', () => published(world.hub, topic, id, { id }).catch(() => undefined));
      }
      return count;
    })();
    return {
      stop: () => {
        stopped = true;
        return publishing;
      },
    };
  }

  it('miss none of the updates that are published while the hub is killed and stopped', async () => {
    const identifier = { channel: 'TopicChannel', topic };
    const url = cableUrl(world.hub, `cable?token=${await tokenOf(ORG)}`);
    const acking = rails.open(
      url,
      { ...identifier, consumer: 'acking', ack: 'explicit' },
      { onMessage: (message, client) => client.perform('ack', { id: message['id'] }) },
    );
    const clients = {
      acking,
      consumer: rails.open(url, { ...identifier, consumer: 'silent' }),
      named: rails.open(cableUrl(world.hub, `cable?client=${randomUUID()}`), identifier),
      anyCable: anyCable(cableUrl(world.hub), 'TopicChannel', { topic }),
    };
    const all = Object.values(clients).map(watched);
    await until('they are connected', () => all.every(({ happened }) => happened.includes('connected')));
    const publisher = keepPublishing();
    const byRails = all.filter((client) => client !== clients.anyCable);
    for (const end of [() => world.hub.kill(), () => world.hub.kill(), () => world.hub.terminate()]) {
      const before = all.map(({ messages }) => messages.length);
      const getOn = (): boolean => all.every(({ messages }, nth) => messages.length > before[nth]! + 3);
      await until('they get on', getOn, 30_000);
      await end();
      await until('they notice', () => byRails.every(({ happened }) => happened.at(-1) === 'disconnected'));
      await world.hub.restart();
      for (const client of all) client.hurry();
    }
    const count = await publisher.stop();
    const expected = Array.from({ length: count }, (_each, nth) => `n${nth}`);
    const isComplete = (): boolean => all.every((client) => idsOf(client).includes(expected.at(-1)));
    await until('they have everything', isComplete, 30_000);
    for (const client of all) expect([...new Set(idsOf(client))]).toEqual(expected);
    // It says itself where it stands, so that it is given nothing twice.
    expect(idsOf(clients.anyCable)).toEqual(expected);
    expect(clients.anyCable.happened).toContain('history_received');
  }, 90_000);
});

describe("AnyCable's client", () => {
  it('shows its token as a subprotocol', async () => {
    const auth = { websocketAuthStrategy: 'sub-protocol', auth: { token: await tokenOf(ORG) } };
    const client = watched(anyCable(cableUrl(world.hub), 'EventChannel', { events: 'shop.paid' }, auth));
    await until('it is connected', () => client.happened.includes('connected'));
    await fire('shop.paid', 'another');
    const id = await fire('shop.paid');
    await until('it has its event', () => client.messages.length === 1);
    expect(idsOf(client)).toEqual([id]);
  });

  it('sees who is present', async () => {
    const identifier = { topic: 'https://shop.example/present' };
    const enter = async (id: string) => {
      const client = watched(anyCable(cableUrl(world.hub), 'TopicChannel', identifier));
      await until('it is connected', () => client.happened.includes('connected'));
      const { presence } = client.subscription;
      const came: string[] = [];
      client.subscription.on('presence', (event) => event.type === 'join' && came.push(event.id));
      await presence.join(id, { name: id });
      await until('it has come', () => came.includes(id));
      return { presence, came };
    };
    const ada = await enter('ada');
    const bob = await enter('bob');
    await until('one sees the other come', () => ada.came.includes('bob'));
    const both = { ada: { name: 'ada' }, bob: { name: 'bob' } };
    expect([await ada.presence.info(), await bob.presence.info()]).toEqual([both, both]);
    await ada.presence.leave();
    await until('one has left', async () => !('ada' in ((await bob.presence.info()) ?? {})));
  });

  it('gets another token when its own has expired', async () => {
    const expired = await tokenOf(ORG, Math.floor(Date.now() / 1000) - 120);
    const token = await tokenOf(ORG);
    const client = watched(
      anyCable(
        cableUrl(world.hub),
        'EventChannel',
        { events: '*' },
        {
          auth: { token: expired },
          tokenRefresher: (transport: { setToken(text: string, param: string): void }) => {
            transport.setToken(token, 'jid');
            return Promise.resolve();
          },
        },
      ),
    );
    await until('it is connected', () => client.happened.includes('connected'));
  });
});
