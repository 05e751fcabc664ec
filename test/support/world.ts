import { randomBytes } from 'node:crypto';
import type { Hub } from '@websub/hub';
import { afterAll, beforeAll } from 'vitest';
import {
  startCallbacks,
  type Callback,
  type CallbackServer,
  type CallbackServerOptions,
} from './callbacks.js';
import type { ListenOptions } from './listener.js';
import { embedHub } from './hub-in-process.js';
import { HubProcess, type HubOptions } from './hub-process.js';
import { published, subscribed, type Fields, type HubAddress } from './requests.js';
import { startTopics, type Topic, type TopicServer } from './topics.js';
import { until } from './until.js';

/** One server of callbacks and one publisher, shared by the tests of a file, and whatever hubs they start. */
export interface Surroundings {
  readonly callbacks: CallbackServer;
  readonly topics: TopicServer;
  /** A new callback on the shared server. */
  callback(rest?: string): Callback;
  /** A new topic on the shared publisher. */
  topic(rest?: string): Topic;
  /** A server of its own, for callbacks that hang or must not share the limits of a host. */
  callbackServer(options?: CallbackServerOptions): Promise<CallbackServer>;
  /** A further publisher. */
  topicServer(options?: ListenOptions): Promise<TopicServer>;
  /** A further hub, ended with the file. */
  startHub(options?: HubOptions): Promise<HubProcess>;
  /** One in this process, for what neither ends the process nor reads what it writes: see {@link embedHub}. */
  embedHub(options?: HubOptions): Promise<Hub>;
}

/** One hub in addition, shared as well. */
export interface World<Main extends HubAddress = HubProcess> extends Surroundings {
  readonly hub: Main;
  /** A callback that has subscribed, by content or by ping. */
  subscriber(topic: string, more?: Fields): Promise<Callback>;
  /**
   * Publishes to the topic until everybody who could have been reached was: a witness gets two updates, one after the
   * other. What has not reached anybody else by then was not sent.
   */
  barrier(topic: string, witness: Callback, hub?: HubAddress): Promise<void>;
}

/** Starts the parts before the tests of the file and ends them afterwards. */
export function useWorld(options: HubOptions = {}): World {
  return worldOf(() => HubProcess.start(options));
}

/** The same around a hub in this process: see {@link embedHub}. */
export function useEmbeddedWorld(options: HubOptions = {}): World<Hub> {
  return worldOf(() => embedHub(options));
}

/** The same without a hub, which the topics do not name then. */
export function useSurroundings(): Surroundings {
  return worldOf(() => Promise.resolve({ url: NO_HUB, stop: () => Promise.resolve() }));
}

const NO_HUB = 'https://hub.example/';

function worldOf<Main extends HubAddress & { stop(): Promise<void> }>(
  start: () => Promise<Main>,
): World<Main> {
  const closing: (() => Promise<unknown>)[] = [];
  let parts: { hub: Main; callbacks: CallbackServer; topics: TopicServer } | undefined;
  const running = (): NonNullable<typeof parts> => {
    if (parts === undefined) throw new Error('the world is there in tests and in hooks only');
    return parts;
  };

  beforeAll(async () => {
    const hub = await start();
    const callbacks = await startCallbacks();
    const topics = await startTopics(hub.url);
    closing.push(
      () => hub.stop(),
      () => callbacks.close(),
      () => topics.close(),
    );
    parts = { hub, callbacks, topics };
  });
  afterAll(async () => {
    await Promise.all(closing.map((close) => close()));
  });

  const world: World<Main> = {
    get hub() {
      return running().hub;
    },
    get callbacks() {
      return running().callbacks;
    },
    get topics() {
      return running().topics;
    },
    callback: (rest) => running().callbacks.callback(rest),
    topic: (rest) => running().topics.topic(rest),
    callbackServer: async (serverOptions) => {
      const server = await startCallbacks(serverOptions);
      closing.push(() => server.close());
      return server;
    },
    topicServer: async (serverOptions) => {
      const server = await startTopics(running().hub.url, serverOptions);
      closing.push(() => server.close());
      return server;
    },
    startHub: async (hubOptions) => {
      const hub = await HubProcess.start(hubOptions);
      closing.push(() => hub.stop());
      return hub;
    },
    embedHub: async (hubOptions) => {
      const hub = await embedHub(hubOptions);
      closing.push(() => hub.stop());
      return hub;
    },
    subscriber: async (topic, more) => {
      const callback = running().callbacks.callback();
      await subscribed(running().hub, callback, topic, more);
      return callback;
    },
    barrier: async (topic, witness, hub = running().hub) => {
      for (let round = 0; round < 2; round++) {
        const mark = `barrier ${randomBytes(6).toString('hex')}`;
        await published(hub, topic, mark);
        await until('the barrier arrived', () => witness.texts.includes(mark));
      }
    },
  };
  return world;
}
