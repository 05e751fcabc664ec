// Writes to a store without end and says what was acknowledged, one line each, so that a test can look for it afterwards.
import { randomUUID } from 'node:crypto';
import { openSqliteStore } from '../../packages/hub/dist/store/sqlite/sqlite-store.js';
import { bodyOf, KEPT_ENTRIES, PLACES, TOPICS } from './writing.mjs';

const [, , folder] = process.argv;
// To a pipe this writes at once, before it returns.
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);

const store = await openSqliteStore({ folder, onFatal: ({ code }) => say('fatal', code) });
say('open', store.log.epoch, store.log.head());

/** Repeats until the store refuses. */
async function repeat(action) {
  try {
    for (;;) await action();
  } catch (error) {
    say('refused', error.code ?? error.stack);
  }
}

async function publish() {
  const id = randomUUID();
  const content = { body: bodyOf(id), contentType: 'application/octet-stream' };
  const topic = TOPICS[id.charCodeAt(0) % TOPICS.length];
  const entry = { topic, id, idempotent: true, content, headers: {}, publishedAt: Date.now() };
  const [{ position }] = await store.log.append([entry]);
  say('entry', position, id);
}

async function liveAndDie() {
  const id = randomUUID();
  const subscription = {
    id,
    topic: TOPICS[0],
    callback: `https://subscriber.example/${id}`,
    lease: null,
    pending: null,
  };
  for (let version = 1; version <= 3; version++) {
    if (!(await store.registry.saveSubscription({ ...subscription, version }))) throw new Error('not saved');
    say('saved', id, version);
  }
  if (id.charCodeAt(0) % 2 === 0) return;
  say('removing', id);
  await store.registry.removeSubscription({ ...subscription, version: 3 });
  say('removed', id);
}

let round = store.log.head();
async function move() {
  const position = ++round;
  const rest = { position, attempts: 0, dueAt: 0, failure: null, beyond: null };
  await store.places.save(PLACES.map((subscription) => ({ subscription, ...rest })));
  say('places', position);
}

async function trim() {
  await store.log.trim({ ageMs: Infinity, count: KEPT_ENTRIES, bytes: Infinity }, Date.now());
  await new Promise((resolve) => setTimeout(resolve, 20));
}

for (let writers = 0; writers < 6; writers++) void repeat(publish);
for (let writers = 0; writers < 2; writers++) void repeat(liveAndDie);
void repeat(move);
void repeat(trim);
// It lives until it is killed, also when the store is finished.
setInterval(() => undefined, 1_000);
