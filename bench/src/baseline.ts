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

/** A bare hub: `limit` on raw sockets, `dispatch` as a loop over undici's dispatch. */
export async function startBaseline(kind: 'limit' | 'dispatch', plan: BaselinePlan): Promise<Publishing> {
  const process = HelperProcess.start(
    kind === 'limit' ? './bare-hub-process.js' : './dispatch-loop-process.js',
  );
  const url = await process.ask<string>({ name: 'listen', ...plan });
  return { url, pid: process.pid, stop: () => process.stop() };
}
