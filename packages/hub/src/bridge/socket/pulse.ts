import type { Clock } from '@websub/shared';
import type { WebSocket } from 'ws';

const PONG_MS = 10_000;

/** Whether the peer is there: it is pinged, and has to say something in time. Its pong tells how far it has come. */
export class Pulse {
  readonly #webSocket: WebSocket;
  readonly #clock: Clock;
  readonly #everyMs: number;
  #pings = 0;
  #nextAt: number;
  #pending: { readonly payload: string; readonly onPong: (() => void) | undefined } | undefined;
  /** When the ping had left, as far as can be seen; what a slow network holds before it is no silence. */
  #leftAt = Infinity;

  constructor(webSocket: WebSocket, clock: Clock, everyMs: number) {
    this.#webSocket = webSocket;
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#nextAt = clock.monotonic() + everyMs;
  }

  /** Pings when it is time. `watermark` answers what to call when the peer has everything that was sent so far. */
  beat(now: number, watermark: () => (() => void) | undefined): void {
    if (now < this.#nextAt || this.#pending !== undefined) return;
    this.#nextAt = now + this.#everyMs;
    this.#pings += 1;
    const payload = String(this.#pings);
    this.#pending = { payload, onPong: watermark() };
    this.#leftAt = Infinity;
    this.#webSocket.ping(payload, false, () => (this.#leftAt = this.#clock.monotonic()));
  }

  /** The peer has said something: whatever it says, it is there. */
  hear(): void {
    if (this.#leftAt !== Infinity) this.#leftAt = this.#clock.monotonic();
  }

  /** A pong has come. */
  hearPong(payload: string): void {
    if (payload !== this.#pending?.payload) return;
    const { onPong } = this.#pending;
    this.#pending = undefined;
    onPong?.();
  }

  /** Pings at the next occasion. */
  hasten(): void {
    this.#nextAt = 0;
  }

  /** Whether the peer was asked and has said nothing for too long. */
  isLost(now: number): boolean {
    return this.#pending !== undefined && now - this.#leftAt >= PONG_MS;
  }
}
