import { systemRandom, TestClock } from '@websub/shared';
import { describe, expect, it } from 'vitest';
import { anybodysGrant } from '../access/grant.js';
import { Tickets } from './tickets.js';

const grant = anybodysGrant({ pings: true, content: false, reading: true, management: false });

function ticketsAt(clock: TestClock): Tickets {
  return new Tickets({ clock, random: systemRandom });
}

describe('tickets', () => {
  it('are good once', () => {
    const tickets = ticketsAt(new TestClock());
    const { text } = tickets.issue(grant);
    expect(tickets.redeem(text)).toBe(grant);
    expect(tickets.redeem(text)).toBeUndefined();
  });

  it('are good for 30 seconds', async () => {
    const clock = new TestClock();
    const tickets = ticketsAt(clock);
    const [early, late] = [tickets.issue(grant), tickets.issue(grant)];
    expect(late.expiresAt).toBe(clock.now() + 30_000);
    await clock.advance(29_999);
    expect(tickets.redeem(early.text)).toBe(grant);
    await clock.advance(1);
    expect(tickets.redeem(late.text)).toBeUndefined();
  });

  it('cannot be guessed: 256 bits, each time others', () => {
    const tickets = ticketsAt(new TestClock());
    const texts = Array.from({ length: 100 }, () => tickets.issue(grant).text);
    expect(new Set(texts).size).toBe(100);
    for (const text of texts) expect(text).toMatch(/^[\w-]{43}$/);
    expect(tickets.redeem('')).toBeUndefined();
    expect(tickets.redeem(texts[0]!.slice(1))).toBeUndefined();
  });

  it('LAW 8 are at most 10,000 at a time, and there is room again when the old ones are over', async () => {
    const clock = new TestClock();
    const tickets = ticketsAt(clock);
    for (let index = 0; index < 10_000; index++) tickets.issue(grant);
    expect(() => tickets.issue(grant)).toThrow(expect.objectContaining({ code: 'retry_later' }));
    await clock.advance(30_000);
    expect(() => tickets.issue(grant)).not.toThrow();
  });
});
