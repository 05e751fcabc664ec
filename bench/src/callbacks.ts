import { HelperProcess } from './process.js';

export interface CallbackPlan {
  readonly callbacks: number;
  /** The callbacks take turns on so many ports. */
  readonly origins: number;
  /** Of each update. */
  readonly bytes: number;
  /** Milliseconds until a delivery is answered. */
  readonly delayMs: number;
}

/** `hang`: reads and never answers; `refuse`: the port is closed. */
export type Behaviour = 'deliver' | 'hang' | 'refuse';

/** What reached the callbacks. */
export interface Deliveries {
  /** `at` on the clock that all processes share, in milliseconds. */
  readonly arrivals: readonly { readonly update: number; readonly at: number }[];
  /** Wrong bytes, wrong signatures, and what came twice. */
  readonly problems: readonly string[];
  /** That were opened. */
  readonly connections: number;
}

/** Callbacks in a process of their own. */
export class Callbacks {
  readonly urls: readonly string[];
  readonly #process: HelperProcess;

  private constructor(process: HelperProcess, urls: readonly string[]) {
    this.#process = process;
    this.urls = urls;
  }

  static async start(plan: CallbackPlan): Promise<Callbacks> {
    const process = HelperProcess.start('./callbacks-process.js');
    return new Callbacks(process, await process.ask<string[]>({ name: 'listen', ...plan }));
  }

  behave(origins: readonly number[], as: Behaviour): Promise<void> {
    return this.#process.ask({ name: 'behave', origins, as });
  }

  /** Settles when so many deliveries have come since the last {@link collect}. */
  await(count: number): Promise<void> {
    return this.#process.ask({ name: 'await', count });
  }

  /** What came since it was last asked, checked. */
  collect(): Promise<Deliveries> {
    return this.#process.ask({ name: 'collect' });
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
