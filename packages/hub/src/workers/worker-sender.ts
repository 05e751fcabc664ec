import { reasonOf, type Clock, type NetworkPolicy } from '@websub/shared';
import type { DeliveryOutcome, Parcel, Sender, Sending } from '../delivery/sender.js';
import type { HubEmitter } from '../events.js';
import { OptionError } from '../option-error.js';
import { LastingThread } from './lasting-thread.js';

export interface WorkerSenderOptions {
  /** How many threads. */
  readonly workers: number;
  readonly policy: NetworkPolicy;
  readonly connectionsPerOrigin: number;
  readonly clock: Clock;
  readonly events: HubEmitter;
}

/**
 * Sends in threads of its own, so that signing, HTTP and TLS take other processors than the hub's thread. What goes to one host
 * goes through one thread, which shares its connections.
 */
export class WorkerSender implements Sender {
  readonly #threads: readonly LastingThread[];

  constructor({ workers, policy, connectionsPerOrigin, clock, events }: WorkerSenderOptions) {
    const input = { policy: policy.options, connectionsPerOrigin };
    this.#threads = Array.from({ length: workers }, () => new LastingThread({ input, clock, events }));
  }

  /** Settles when every thread works. Rejects with `invalid_configuration` when one cannot be started. */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#threads.map((thread) => thread.start()));
    } catch (error) {
      await this.stop();
      throw new OptionError(
        'workers',
        `cannot be started (${reasonOf(error)}): give 0, and the hub's own thread delivers`,
      );
    }
  }

  send(parcel: Parcel, sending: Sending, settled: (outcome: DeliveryOutcome) => void): void {
    const thread = this.#threads[hashOf(sending.host) % this.#threads.length];
    thread!.send(parcel, sending, settled);
  }

  /** Ends all threads; settles when they are gone. What is under way in them has failed. */
  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }
}

/** FNV-1a, and a last step that lets the upper bits count: of the others alone, neighbouring ports would fill few threads. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
