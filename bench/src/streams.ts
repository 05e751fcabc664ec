import { spreadOf, type Spread } from './figures.js';
import { HubProcess } from './hub-process.js';
import { cpuMsOf, HelperProcess, memoryOf, sharedNow } from './process.js';
import { Publisher } from './publisher.js';
import type { Result } from './result.js';
import { openStore } from './store.js';
import { topicOf } from './update.js';

export type StreamKind = 'sse' | 'websocket';

export interface Streams {
  readonly kind: StreamKind;
  readonly readers: number;
  /** Of one message. */
  readonly bytes: number;
  /** Updates of one round; each reaches all readers before the next is published. */
  readonly updates: number;
}

export const STREAMS: readonly Streams[] = [
  ...(['sse', 'websocket'] as const).flatMap((kind) => [
    { kind, readers: 1_000, bytes: 200, updates: 20 },
    { kind, readers: 5_000, bytes: 200, updates: 4 },
  ]),
  { kind: 'sse', readers: 1_000, bytes: 16 * 1024, updates: 20 },
];

interface Party {
  readonly url: string;
  readonly pid: number;
  readonly readers: HelperProcess;
  updates: number;
}

interface Round {
  readonly cpuUs: number;
  readonly rate: number;
}

const TOPIC = topicOf(0, 1);
const SETTLING_MS = 1_500;

/** One update reaches many readers: the hub, and a bare loop that writes one shared frame, in turns; and what idle readers take. */
export async function streams(plan: Streams, rounds: number): Promise<Result> {
  const hub = await HubProcess.start();
  const bare = HelperProcess.start('./bare-streams-process.js');
  const parties: Party[] = [
    { url: hub.url, pid: hub.pid, readers: HelperProcess.start('./readers-process.js'), updates: 0 },
    {
      url: await bare.ask<string>({ name: 'listen' }),
      pid: bare.pid,
      readers: HelperProcess.start('./readers-process.js'),
      updates: 0,
    },
  ];
  const results = parties.map((): Round[] => []);
  const idle: number[] = [];
  const problems: string[] = [];
  try {
    for (const party of parties) idle.push(await open(party, plan));
    for (let round = -1; round < rounds; round++)
      for (const [n, party] of parties.entries()) {
        const { figures, wrong } = await roundOf(party, plan);
        problems.push(...wrong);
        if (round >= 0) results[n]!.push(figures);
      }
  } finally {
    await Promise.all([hub.stop(), bare.stop(), ...parties.map(({ readers }) => readers.stop())]);
  }
  return summary(plan, rounds, { results, idle, problems });
}

/** Opens the readers; answers the bytes of memory that each takes while nothing comes. */
async function open(party: Party, { kind, readers }: Streams): Promise<number> {
  await pause();
  const before = await memoryOf(party.pid);
  await party.readers.ask({ name: 'open', kind, url: party.url, topic: TOPIC, readers, earliest: false });
  await pause();
  return ((await memoryOf(party.pid)).rss - before.rss) / readers;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
}

async function roundOf(
  party: Party,
  { readers, bytes, updates }: Streams,
): Promise<{ figures: Round; wrong: readonly string[] }> {
  const publisher = new Publisher(party.url);
  const before = await cpuMsOf(party.pid);
  let takenMs = 0;
  for (let n = 1; n <= updates; n++) {
    const sentAt = sharedNow();
    await publisher.publish(TOPIC, messageOf(party.updates++, bytes), 'text/plain');
    takenMs += (await party.readers.ask<number>({ name: 'await', count: n * readers })) - sentAt;
  }
  const cpuMs = (await cpuMsOf(party.pid)) - before;
  await publisher.stop();
  const { received, problems } = await party.readers.ask<{ received: number; problems: readonly string[] }>({
    name: 'collect',
  });
  const messages = readers * updates;
  const wrong = received === messages ? problems : [...problems, `${received} of ${messages} messages`];
  return { figures: { cpuUs: (cpuMs * 1_000) / messages, rate: (messages * 1_000) / takenMs }, wrong };
}

/** A text with a mark by which readers tell it from others. */
export function messageOf(update: number, bytes: number): Buffer {
  return Buffer.from(`#${update};`.padEnd(bytes, '.'));
}

function summary(
  { kind, readers, bytes }: Streams,
  rounds: number,
  {
    results: [hub = [], bare = []],
    idle: [idleHub = NaN, idleBare = NaN],
    problems,
  }: { results: readonly (readonly Round[])[]; idle: readonly number[]; problems: readonly string[] },
): Result {
  const one = (value: number): Spread => ({ median: value, least: value, most: value });
  return {
    bench: 'streams',
    scenario: `${kind}, 1 topic to ${readers.toLocaleString('en')} readers, ${bytes.toLocaleString('en')} bytes`,
    unit: 'message',
    rounds,
    figures: [hub, bare].map((each, n) => ({
      who: n === 0 ? 'hub' : 'bare loop',
      cpuUs: spreadOf(each.map(({ cpuUs }) => cpuUs)),
      rate: spreadOf(each.map(({ rate }) => rate)),
    })),
    ratios: [
      {
        name: 'CPU per message ÷ bare loop',
        value: spreadOf(hub.map(({ cpuUs }, n) => cpuUs / (bare[n]?.cpuUs ?? NaN))),
      },
      { name: 'KB of memory per idle reader', value: one(idleHub / 1024) },
      { name: 'the same of the bare loop', value: one(idleBare / 1024) },
    ],
    problems,
  };
}

/** One reader is given everything from the beginning: the hub, and the bare store read as a hub reads it, in turns. */
export async function replay(entries: number, rounds: number): Promise<Result> {
  const hub = await HubProcess.prepare((folder) => fill(folder, entries));
  const store = HelperProcess.start('./store-process.js');
  const rates = { hub: [] as number[], store: [] as number[] };
  const problems: string[] = [];
  try {
    await store.ask({ name: 'open' });
    await store.ask({
      name: 'append',
      first: 0,
      updates: entries,
      topics: 1,
      bytes: MESSAGE_BYTES,
      atOnce: 64,
    });
    // Everything must come from the disk: a hub that has just started has nothing in memory.
    for (let round = -1; round < rounds; round++) {
      await hub.restart();
      const readers = HelperProcess.start('./readers-process.js');
      // Its own start is no part of the replay.
      await readers.ask({ name: 'collect' });
      const startedAt = sharedNow();
      await readers.ask({
        name: 'open',
        kind: 'sse',
        url: hub.url,
        topic: TOPIC,
        readers: 1,
        earliest: true,
      });
      const last = await readers.ask<number>({ name: 'await', count: entries });
      const { received, problems: wrong } = await readers.ask<{ received: number; problems: string[] }>({
        name: 'collect',
      });
      problems.push(...wrong);
      if (received !== entries) problems.push(`${received} of ${entries} entries`);
      await readers.stop();
      const read = await store.ask<{ entries: number; ms: number }>({ name: 'read', topic: TOPIC });
      if (round < 0) continue;
      rates.hub.push((entries * 1_000) / (last - startedAt));
      rates.store.push((read.entries * 1_000) / read.ms);
    }
    await store.ask({ name: 'close', keep: false });
  } finally {
    await Promise.all([hub.stop(), store.stop()]);
  }
  return {
    bench: 'streams',
    scenario: `replay of ${entries.toLocaleString('en')} entries to one reader after a start`,
    unit: 'entry',
    rounds,
    figures: [
      { who: 'hub', rate: spreadOf(rates.hub) },
      { who: 'bare store', rate: spreadOf(rates.store) },
    ],
    ratios: [
      {
        name: "rate ÷ the store's own range reads",
        value: spreadOf(rates.hub.map((rate, n) => rate / (rates.store[n] ?? NaN))),
      },
    ],
    problems,
  };
}

const MESSAGE_BYTES = 200;
const FILLED_AT_ONCE = 1_000;

/** Puts messages into the log of a hub that is not running, in order. */
async function fill(folder: string, entries: number): Promise<void> {
  const store = await openStore(folder);
  for (let first = 0; first < entries; first += FILLED_AT_ONCE) {
    const some = Math.min(FILLED_AT_ONCE, entries - first);
    await store.log.append(
      Array.from({ length: some }, (_each, n) => ({
        topic: TOPIC,
        id: String(first + n),
        idempotent: false,
        content: { body: messageOf(first + n, MESSAGE_BYTES), contentType: 'text/plain' },
        headers: {},
        publishedAt: Date.now(),
      })),
    );
  }
  await store.close();
}
