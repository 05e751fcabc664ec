import { systemRandom, TestClock } from '@websub/shared';
import { describe, expect, it, vi } from 'vitest';
import { MemoryLog } from '../contract/memory-log.js';
import { HubEmitter } from '../events.js';
import type { Appended, NewEntry } from '../log/log.js';
import { Canary } from './canary.js';
import type { Sender } from './sender.js';

/** A log whose disk hangs until it is released. */
class StuckLog extends MemoryLog {
  release: () => void = () => undefined;
  readonly #released = new Promise<void>((resolve) => (this.release = resolve));

  override async append(entries: readonly NewEntry[]): Promise<readonly Appended[]> {
    await this.#released;
    return super.append(entries);
  }
}

describe('Canary', () => {
  it('complains once none has come round for 30 s, says why, and is content when one has', async () => {
    const log = new StuckLog();
    const clock = new TestClock();
    const events = new HubEmitter();
    const late: unknown[] = [];
    events.on('canary-late', (payload) => late.push(payload));
    const canary = new Canary({ log, clock, random: systemRandom, events, everyMs: 10_000 });
    const started = canary.start();
    await clock.advance(29_999);
    await started;
    expect(canary.complaint).toBeUndefined();
    await clock.advance(5_000);
    expect(canary.complaint).toMatch(
      /^no update has come round inside the hub for 3\d s \(it waits for the disk\)$/,
    );
    await clock.advance(60_000);
    expect(late).toHaveLength(1);

    log.release();
    await clock.advance(0);
    expect(canary.complaint).toMatch(/waits for its turn/);
    const [recipient] = canary.topic.recipients.values();
    const elsewhere = vi.fn<Sender['send']>();
    const { callback } = recipient!.subscription;
    const parcel = { id: 'it', topic: '', body: Buffer.from(String(clock.monotonic())), headers: [] };
    const made = { attempt: 1, trace: undefined };
    const sending = {
      made,
      callback,
      host: '',
      secret: null,
      webhookSignature: false,
      authorization: null,
      now: clock.now(),
    };
    canary.on({ send: elsewhere }).send(parcel, sending, () => undefined);
    expect(elsewhere).not.toHaveBeenCalled();
    expect(canary.complaint).toBeUndefined();
  });
});
