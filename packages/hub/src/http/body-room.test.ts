import { describe, expect, it } from 'vitest';
import { BodyRoom } from './body-room.js';

const MIB = 1024 * 1024;
const never = (): Promise<never> => new Promise(() => undefined);

describe('BodyRoom', () => {
  it('LAW 8 has room for 256 MiB in all, and says when to try again', async () => {
    const room = new BodyRoom(5 * MIB);
    for (let mib = 0; mib < 255; mib += 5) void room.hold(5 * MIB, never);
    await expect(room.hold(5 * MIB, never)).rejects.toMatchObject({ code: 'retry_later' });
    expect(await room.hold(MIB, () => Promise.resolve('there was one left'))).toBe('there was one left');
  });

  it('has room again when a body was received, or failed to be', async () => {
    const room = new BodyRoom(100 * MIB);
    const taken = room.hold(400 * MIB, () => Promise.reject(new Error('cut off')));
    await expect(room.hold(400 * MIB, never)).rejects.toMatchObject({ code: 'retry_later' });
    await expect(taken).rejects.toThrow('cut off');
    expect(await room.hold(400 * MIB, () => Promise.resolve('received'))).toBe('received');
    expect(await room.hold(400 * MIB, () => Promise.resolve('received'))).toBe('received');
  });

  it('keeps no small body out', async () => {
    const room = new BodyRoom(MIB);
    void room.hold(256 * MIB, never);
    expect(await room.hold(64 * 1024, () => Promise.resolve('received'))).toBe('received');
  });
});
