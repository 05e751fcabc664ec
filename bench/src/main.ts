import { mkdir, writeFile } from 'node:fs/promises';
import { FAR, farCallback } from './far-callback.js';
import {
  badNeighbours,
  BAD_NEIGHBOURS,
  FAN_OUTS,
  fanOut,
  FIRST_DELIVERIES,
  firstDelivery,
} from './fan-out.js';
import { thisMachine } from './machine.js';
import { PINGING, publishByPing, publishContent, PUBLISHING } from './publish.js';
import { describe, type Result } from './result.js';
import { startUp } from './start-up.js';
import { SUBSCRIBING, subscribing } from './subscribe.js';
import { replay, STREAMS, streams } from './streams.js';
import type { KeptResult } from './tables.js';
import { DELIVERED_BY_WORKERS, workers } from './workers.js';

const ROUNDS = roundsOf(process.env['ROUNDS'] ?? '5');
/** A round of a stream takes a quarter of a second, in which the machine may do anything: there are more of them. */
const STREAM_ROUNDS = 3 * ROUNDS;
const REPLAYED = 20_000;
const SUBSCRIPTIONS = [100_000, 1_000_000];

/** What can be measured, by name, in the order in which all are. */
const BENCHES: Readonly<Record<string, readonly (() => Promise<Result>)[]>> = {
  'fan-out': [
    ...FAN_OUTS.map((plan) => () => fanOut(plan, ROUNDS)),
    () => badNeighbours(BAD_NEIGHBOURS, ROUNDS),
  ],
  workers: DELIVERED_BY_WORKERS.map((plan) => () => workers(plan, ROUNDS)),
  publish: [() => publishContent(PUBLISHING, ROUNDS), () => publishByPing(PINGING, ROUNDS)],
  subscribe: [() => subscribing(SUBSCRIBING, ROUNDS)],
  'first-delivery': FIRST_DELIVERIES.map((plan) => () => firstDelivery(plan, ROUNDS)),
  'far-callback': [() => farCallback(FAR, ROUNDS)],
  streams: [...STREAMS.map((plan) => () => streams(plan, STREAM_ROUNDS)), () => replay(REPLAYED, ROUNDS)],
  memory: SUBSCRIPTIONS.map((count) => () => startUp(count, ROUNDS)),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`there is no bench ${unknown.join(', ')}: choose among ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const folder = new URL('../results/', import.meta.url);
await mkdir(folder, { recursive: true });
let wrong = false;
for (const [name, benches] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const results: KeptResult[] = [];
  for (const bench of benches) {
    const result = await bench();
    results.push({ ...result, measured: thisMachine() });
    wrong ||= result.problems.length > 0;
    console.log(`${describe(result)}\n`);
    // After each: whoever stops a long run keeps what it has measured.
    await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(results, undefined, 2)}\n`);
  }
}
process.exitCode = wrong ? 1 : 0;

/** Of none there would be nothing that could be wrong. */
function roundsOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  console.error(`ROUNDS is ${JSON.stringify(text)}: give 1 to 9999 rounds`);
  process.exit(2);
}
