import { TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { anybodysGrant, type Grant } from '../access/grant.js';
import { Holders, type GrantEnd } from './holders.js';

const open: Grant = anybodysGrant({ pings: true, content: true, reading: true, management: false });
const granted: Grant = { ...open, principal: { kind: 'admin' } };

function world() {
  const clock = new TestClock();
  const revoked = new Set<Grant>();
  const holders = new Holders(clock, (grant) => revoked.has(grant));
  const ends: GrantEnd[] = [];
  return { clock, revoked, holders, ends, onEnd: (end: GrantEnd) => void ends.push(end) };
}

describe('whoever holds a grant', () => {
  it('is told of its expiry within half a second', async () => {
    const { clock, holders, ends, onEnd } = world();
    holders.hold({ ...open, endsAt: clock.now() + 10_200 }, onEnd);
    await clock.advance(10_199);
    expect(ends).toEqual([]);
    await clock.advance(501);
    expect(ends).toEqual(['expired']);
  });

  it('is told of its revocation at once, and once', async () => {
    const { clock, revoked, holders, ends, onEnd } = world();
    const mine = { ...granted };
    holders.hold(mine, onEnd);
    holders.hold({ ...granted }, () => expect.unreachable('another grant'));
    revoked.add(mine);
    holders.look();
    expect(ends).toEqual(['revoked']);
    holders.look();
    await clock.advance(5_000);
    expect(ends).toEqual(['revoked']);
  });

  it('is told nothing any more after letting go', async () => {
    const { clock, revoked, holders, ends, onEnd } = world();
    const mine = { ...granted, endsAt: clock.now() + 1_000 };
    const release = holders.hold(mine, onEnd);
    release();
    release();
    revoked.add(mine);
    holders.look();
    await clock.advance(5_000);
    expect(ends).toEqual([]);
  });

  it('may hold a grant that never ends for ever', async () => {
    const { clock, holders, ends, onEnd } = world();
    for (const grant of [open, granted]) holders.hold(grant, onEnd);
    await clock.advance(600_000);
    expect(ends).toEqual([]);
  });
});
