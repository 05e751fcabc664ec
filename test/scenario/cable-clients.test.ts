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

function tokenOf(organisation: string): Promise<string> {
  return new SignJWT({ sub: `Organization/${organisation}` })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience(AUDIENCE)
    .setExpirationTime('1h')
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
function watched(client: CableClient): CableClient {
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
      rails.open(cableUrl(world.hub, `cable?token=${token}`), {
        channel: 'EventChannel',
        events: 'shop.order_paid,shop.order_sent',
      }),
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

describe("AnyCable's client", () => {
  const topic = 'https://shop.example/anycable';
  const texts = ({ messages }: CableClient): unknown[] => messages.map(({ data }) => data);

  it('misses nothing when its connection breaks, when the hub is killed, and when it is stopped', async () => {
    const client = watched(anyCable(cableUrl(world.hub), 'TopicChannel', { topic }));
    await until('it is connected', () => client.happened.includes('connected'));
    const expected: string[] = [];
    const say = async (text: string): Promise<void> => {
      expected.push(text);
      await published(world.hub, topic, text);
    };
    for (const [round, end] of [() => world.hub.kill(), () => world.hub.terminate()].entries()) {
      await say(`${round}.1`);
      await until('it has everything', () => client.messages.length === expected.length);
      await end();
      await world.hub.restart();
      await say(`${round}.2`);
      await until('it has everything', () => client.messages.length === expected.length, 30_000);
    }
    expect(texts(client)).toEqual(expected);
    expect(client.happened).toContain('history_received');
  }, 60_000);

  it('shows its token as a subprotocol', async () => {
    const auth = { websocketAuthStrategy: 'sub-protocol', auth: { token: await tokenOf(ORG) } };
    const client = watched(anyCable(cableUrl(world.hub), 'EventChannel', { events: 'shop.paid' }, auth));
    await until('it is connected', () => client.happened.includes('connected'));
    await fire('shop.paid', 'another');
    const id = await fire('shop.paid');
    await until('it has its event', () => client.messages.length === 1);
    expect(idsOf(client)).toEqual([id]);
  });
});
