import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TestClock } from './clock.js';
import { SystemResolver, systemResolver, type ResolvedAddress } from './resolver.js';

const servers: Socket[] = [];
let questions = 0;
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  questions = 0;
});

const unanswered = (): Promise<readonly ResolvedAddress[]> => new Promise(() => {});
const PATIENCE = { timeout: 5_000 };
const HANGS = 'hangs';
type Zone = Readonly<Record<string, readonly [four: string, six?: string] | typeof HANGS>>;

/** A name server; names that are not in the zone do not exist. Settles with its address. */
async function serve(zone: Zone): Promise<string> {
  const server = createSocket('udp4');
  servers.push(server);
  server.on('message', (question, from) => {
    questions++;
    const answer = answerTo(question, zone);
    if (answer !== undefined) server.send(answer, from.port, from.address);
  });
  await new Promise<void>((listening) => server.bind(0, '127.0.0.1', listening));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const A = 1;
const AAAA = 28;
const HEAD_BYTES = 12;

/** RFC 1035, section 4.1: the question again, and one record that points to its name. */
function answerTo(question: Buffer, zone: Zone): Buffer | undefined {
  const labels: string[] = [];
  let at = HEAD_BYTES;
  for (let length = question[at]!; length > 0; length = question[at]!) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const known = zone[labels.join('.').toLowerCase()];
  if (known === HANGS) return undefined;
  const type = question.readUInt16BE(at + 1);
  const address = type === A ? known?.[0] : type === AAAA ? known?.[1] : undefined;
  const head = Buffer.from(question.subarray(0, HEAD_BYTES));
  head.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(address === undefined ? 0 : 1, 6);
  head.writeUInt32BE(0, 8);
  const asked = question.subarray(HEAD_BYTES, at + 5);
  if (address === undefined) return Buffer.concat([head, asked]);
  const bytes =
    type === A
      ? Buffer.from(address.split('.').map(Number))
      : Buffer.from(address.replaceAll(':', ''), 'hex');
  const record = Buffer.from([0xc0, HEAD_BYTES, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length]);
  return Buffer.concat([head, asked, record, bytes]);
}

describe('SystemResolver', () => {
  it('gives all addresses of localhost', async () => {
    const addresses = await systemResolver.resolve('localhost');
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.every(({ address, family }) => isIP(address) === family)).toBe(true);
  });

  it('takes names of the hosts file, in any case and with a dot at the end, from there', async () => {
    const resolver = new SystemResolver({ servers: [await serve({ localhost: ['203.0.113.1'] })] });
    expect(await resolver.resolve('LocalHost.')).toContainEqual({ address: '127.0.0.1', family: 4 });
  });

  it('gives an address as itself', async () => {
    expect(await new SystemResolver().resolve('2001:db8::1')).toEqual([
      { address: '2001:db8::1', family: 6 },
    ]);
  });

  it('gives addresses of both families from the name servers, without a thread', async () => {
    const zone = { 'both.example': ['203.0.113.1', '2001:0db8:0000:0000:0000:0000:0000:0001'] } as const;
    const lookup = vi.fn<typeof unanswered>(unanswered);
    const resolver = new SystemResolver({ servers: [await serve(zone)], lookup });
    expect(await resolver.resolve('both.example')).toEqual([
      { address: '203.0.113.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ]);
    expect(lookup).not.toHaveBeenCalled();
  });

  it('asks the system for what the name servers do not know', async () => {
    const lookup = () => Promise.resolve([{ address: '10.0.0.7', family: 4 }]);
    const resolver = new SystemResolver({ servers: [await serve({})], lookup });
    expect(await resolver.resolve('printer')).toEqual([{ address: '10.0.0.7', family: 4 }]);
  });

  it('says unreachable of a name that has no address, with the cause', async () => {
    const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
    const lookup = () => Promise.reject(notFound);
    const resolver = new SystemResolver({ servers: [await serve({})], lookup });
    await expect(resolver.resolve('none.example')).rejects.toMatchObject({
      code: 'unreachable',
      message: 'none.example has no address',
      cause: { code: 'ENOTFOUND' },
    });
  });

  it('LAW 7 resolves a name at once while a hundred others hang, and the system is asked about two of them', async () => {
    const hanging = Array.from({ length: 100 }, (_each, n) => `hangs-${n}.example`);
    const zone = Object.fromEntries([
      ...hanging.map((name) => [name, HANGS] as const),
      ['healthy.example', ['203.0.113.1']] as const,
    ]);
    const clock = new TestClock();
    const lookup = vi.fn<typeof unanswered>(unanswered);
    const resolver = new SystemResolver({ servers: [await serve(zone)], lookup, clock });
    const outcomes = hanging.map((name) => resolver.resolve(name).catch((error: unknown) => error));
    await vi.waitFor(() => expect(questions).toBeGreaterThanOrEqual(200), PATIENCE);
    await clock.advance(2_000);
    expect(await resolver.resolve('healthy.example')).toEqual([{ address: '203.0.113.1', family: 4 }]);
    expect(lookup).toHaveBeenCalledTimes(2);
    await clock.advance(1_000);
    for (const outcome of await Promise.all(outcomes))
      expect(outcome).toMatchObject({ code: 'timeout', retryable: true });
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  it('takes the answer of a name server that comes after the system was asked', async () => {
    const zone: Record<string, readonly [string] | typeof HANGS> = { 'late.example': HANGS };
    const clock = new TestClock();
    const resolver = new SystemResolver({ servers: [await serve(zone)], lookup: unanswered, clock });
    const resolution = resolver.resolve('late.example');
    await vi.waitFor(() => expect(questions).toBeGreaterThanOrEqual(2), PATIENCE);
    await clock.advance(2_000);
    zone['late.example'] = ['203.0.113.1'];
    // The second question comes half a second after the first.
    expect(await resolution).toEqual([{ address: '203.0.113.1', family: 4 }]);
  });
});
