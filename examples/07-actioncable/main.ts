/* A print shop behind a firewall: events as with Zaikio Loom, read over Action Cable, and none lost when something goes down. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub, type HubOptions } from '@websub/hub';
import { SignJWT } from 'jose';
import { Office } from './office.js';
import { Press, type JobEvent } from './press.js';

const SECRET = Buffer.from('the secret of whoever issues tokens');
const PASSWORD = 'the-password-of-mission-control';
const AUDIENCE = 'https://loom.example/';
const ORGANISATION = '837ebb91-2d4b-4818-a19b-04fea7be8cde';

const folder = await mkdtemp(join(tmpdir(), 'websub-loom-'));
const jwtKeys = join(folder, 'keys.json');
const key = { kty: 'oct', alg: 'HS256', k: SECRET.toString('base64url') };
await writeFile(jwtKeys, JSON.stringify({ keys: [key] }));
const options: HubOptions = {
  data: join(folder, 'hub'),
  adminKey: PASSWORD,
  read: 'closed',
  jwtKeys,
  jwtAudience: AUDIENCE,
};
let hub = await createHub({ ...options, port: 0 });
const { port } = new URL(hub.url);
const url = `ws://127.0.0.1:${port}/websocket`;
/** What an organisation shows to read its events. */
const token = await new SignJWT({ sub: `Organization/${ORGANISATION}` })
  .setProtectedHeader({ alg: 'HS256' })
  .setAudience(AUDIENCE)
  .setExpirationTime('1h')
  .sign(SECRET);

function title(text: string): void {
  console.log(`\n${text}\n`);
}

function tell(who: string, what: string): void {
  console.log(`  ${who.padEnd(15)} ${what}`);
}

/** Mission Control announces a job, as it does with Loom. */
async function announce(job: string, organisation = ORGANISATION): Promise<void> {
  const event = {
    id: randomUUID(),
    name: 'mission_control.job_added',
    subject: `Org/${organisation}`,
    timestamp: new Date().toISOString(),
    version: '1.0',
    payload: { job },
  };
  const { status } = await fetch(new URL('/api/v1/events', hub.url), {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Basic ${btoa(`mission_control:${PASSWORD}`)}`,
    },
    body: JSON.stringify({ event }),
  });
  tell('mission control', `announces ${job}: ${status}`);
}

/** What somebody has been told, in order. */
class Told {
  readonly jobs: JobEvent[] = [];
  readonly #who: string;
  #onJob: () => void = () => undefined;

  constructor(who: string) {
    this.#who = who;
  }

  take(event: JobEvent): void {
    this.jobs.push(event);
    tell(this.#who, `is told of ${event.payload.job}`);
    this.#onJob();
  }

  /** Settles when it has been told of so many. */
  async times(count: number): Promise<void> {
    while (this.jobs.length < count) await new Promise<void>((resolve) => (this.#onJob = resolve));
  }
}

const [atPress, inOffice] = [new Told('press'), new Told('office')];
const switchOn = (): Press => new Press({ url, token, onJob: (event) => atPress.take(event) });

title('A press and an office connect; each sees the jobs of its organisation, and of no other.');
let press = switchOn();
const office = new Office({ url, token, onJob: (event) => inOffice.take(event) });
await Promise.all([press.subscribed, office.connected]);
await announce('business cards');
await announce('a rival’s poster', 'b1475f65-9c8d-4b8a-8d4b-6a2f8b1f0c11');
await announce('menus');
await Promise.all([atPress.times(2), inOffice.times(2)]);

title('The press prints the cards and says so. Then somebody pulls its plug, and the hub goes down as well.');
await press.done(atPress.jobs[0]!);
tell('press', 'has printed the business cards');
await announce('a calendar');
await Promise.all([atPress.times(3), inOffice.times(3)]);
press.switchOff();
await hub.stop();
tell('hub', 'is down');
hub = await createHub({ ...options, port: Number(port) });
tell('hub', 'is back');
await announce('tickets');
await inOffice.times(4);

title('The press is switched on again: it is told of whatever it has not printed.');
press = switchOn();
await atPress.times(6);
await press.done(atPress.jobs.at(-1)!);
tell('press', 'has printed everything');

title('The foreman wants to hear of the last two once more.');
press.rewind(2);
await atPress.times(8);

office.close();
press.switchOff();
await press.gone;
await hub.stop();
await rm(folder, { recursive: true });
// AnyCable's client would look in five seconds whether it is subscribed.
process.exit();
