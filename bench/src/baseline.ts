import { HelperProcess } from './process.js';

export interface BaselinePlan {
  readonly callbacks: readonly string[];
  /** Callback n has the topic n modulo their number. */
  readonly topics: readonly string[];
  /** Connections to one origin at most. */
  readonly perOrigin: number;
}

/** Something that takes publications as the hub does and delivers them. */
export interface Publishing {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const BASELINES = {
  /** A hub on raw sockets, with heads that were built beforehand. */
  limit: './bare-hub-process.js',
  /** A loop over undici's bare `dispatch`, 512 at a time: what the client that the hub uses costs by itself. */
  'dispatch loop': './dispatch-loop-process.js',
  /** express and a loop over undici's `request`, 64 at a time: what is written where no hub is at hand. */
  'request loop': './request-loop-process.js',
};

export type Baseline = keyof typeof BASELINES;

/** A bare hub: it keeps everything in memory, and neither checks nor repeats anything. */
export async function startBaseline(kind: Baseline, plan: BaselinePlan): Promise<Publishing> {
  const process = HelperProcess.start(BASELINES[kind]);
  const url = await process.ask<string>({ name: 'listen', ...plan });
  return { url, pid: process.pid, stop: () => process.stop() };
}
