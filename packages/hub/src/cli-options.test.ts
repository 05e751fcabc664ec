import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { environmentOf, flagOf, OPTION_SPECS } from './cli-option-specs.js';
import { readStartOptions } from './cli-options.js';
import { OPTION_NAMES } from './option-checks.js';
import { OptionError } from './option-error.js';
import { resolveOptions } from './options.js';

const folder = mkdtempSync(join(tmpdir(), 'websub-options-'));
afterAll(() => rmSync(folder, { recursive: true }));

function configFile(contents: string): string {
  const path = join(folder, `${Math.trunc(performance.now() * 1000)}.json`);
  writeFileSync(path, contents);
  return path;
}

describe('options', () => {
  it('names each option alike as flag, environment variable and key', () => {
    expect(flagOf('publicUrl')).toBe('--public-url');
    expect(environmentOf('publicUrl')).toBe('WEBSUB_PUBLIC_URL');
    const written = OPTION_SPECS.map(({ name }) => name).filter(
      (name) => name !== 'config' && name !== 'logLevel',
    );
    expect([...written].sort()).toEqual([...OPTION_NAMES].sort());
  });

  it('lets flags win over the environment, and the environment over the file', () => {
    const config = configFile(
      '{"port": 1, "host": "file", "data": "file", "dev": true, "allow-network": ["10.0.0.0/8"]}',
    );
    const { hub } = readStartOptions({ port: '3', config }, { WEBSUB_PORT: '2', WEBSUB_HOST: 'environment' });
    expect(hub).toEqual({
      port: 3,
      host: 'environment',
      data: 'file',
      dev: true,
      allowNetwork: ['10.0.0.0/8'],
    });
  });

  it('reads numbers, switches and lists from text', () => {
    const environment = {
      WEBSUB_DEV: '1',
      WEBSUB_RETRY_DELAYS: '1, 2.5',
      WEBSUB_ALLOW_NETWORK: '10.0.0.0/8,fd00::/8',
    };
    expect(readStartOptions({}, environment).hub).toEqual({
      dev: true,
      retryDelays: [1, 2.5],
      allowNetwork: ['10.0.0.0/8', 'fd00::/8'],
    });
  });

  it('takes a config file that begins with a byte order mark', () => {
    const config = configFile('\uFEFF{"port": 1}');
    expect(readStartOptions({ config }, {}).hub).toEqual({ port: 1 });
  });

  it('lets a flag turn off what the environment turns on', () => {
    expect(readStartOptions({ dev: false }, { WEBSUB_DEV: '1' }).hub).toEqual({ dev: false });
  });

  it.each([
    [{ port: 'x' }, {}, /^--port is not a number/],
    [{}, { WEBSUB_PORT: 'x' }, /^WEBSUB_PORT is not a number/],
    [{}, { WEBSUB_DEV: 'yes' }, /^WEBSUB_DEV is neither true nor false/],
    [{ logLevel: 'loud' }, {}, /^--log-level is none of fatal/],
    [{ config: '/nowhere.json' }, {}, /^--config cannot be read as JSON/],
    [{ config: configFile('[]') }, {}, /^--config is not a JSON object/],
    [{ config: configFile('{"prot": 1}') }, {}, /^"prot" in .* is not an option: did you mean "port"\?$/],
    [{ config: configFile('{"Max-Lease": 1}') }, {}, /^"Max-Lease" in .*: did you mean "max-lease"\?$/],
    [{ config: configFile('{"PublicURL": ""}') }, {}, /^"PublicURL" in .*: did you mean "publicUrl"\?$/],
    [{ config: configFile('{"WEBSUB_PORT": 1}') }, {}, /^"WEBSUB_PORT" in .*: use the names of the flags/],
    [{ config: configFile('{"config": "x"}') }, {}, /^"config" in .* is not an option: use the names/],
    [{ config: configFile('{"maxBody": "x"}') }, {}, /^"maxBody" in .* is not a number/],
    [{ config: configFile('{"port": "x"}') }, {}, /^"port" in .* is not a number/],
    [{ config: configFile('{"dev": 2}') }, {}, /^"dev" in .* is neither true nor false/],
  ])('names the option of a mistake and the cure: %j %j', (flags, environment, message) => {
    expect(() => readStartOptions(flags, environment)).toThrow(message);
  });

  it.each([
    [{ port: 70_000 }, /^port is not a port: give/],
    [{ port: -1 }, /^port is not a port: give/],
    [{ maxLease: 1e15 }, /^maxLease is longer than ten years: give less/],
    [{ maxLease: 10 }, /^maxLease is less than the shortest lease, 300 s: raise it/],
    [{ retryDelays: [1e300] }, /^retryDelays has a delay of more than ten years: give less/],
    [{ publicUrl: 'ftp://x/' }, /^publicUrl is not an absolute http or https URL/],
    [
      { adminKey: 'short', host: '0.0.0.0' },
      /^adminKey has fewer than 16 characters: .* or listen on 127.0.0.1/,
    ],
    [{ adminKey: '' }, /^adminKey is empty: give a key/],
    [{ allowNetwork: ['10.0.0.0'] }, /^allowNetwork is not CIDR/],
    [{ minLease: 0 }, /^minLease is less than 1 second/],
    [{ minLease: 600, maxLease: 60 }, /^minLease is greater than the longest lease/],
    [{ retryDelays: [-1] }, /^retryDelays has a negative delay/],
    [{ allowNetwork: [5 as never] }, /^allowNetwork holds something else than text: look at its item 1$/],
    [{ host: 5 as never }, /^host is not text: give text$/],
    [{ dev: 'yes' as never }, /^dev is not true or false: give true or false$/],
    [{ corsOrigins: '*' as never }, /^corsOrigins is not a list: give a list$/],
    [{ publish: 'all' as never }, /^publish is none of open, ping, closed/],
    [{ workers: -1 }, /^workers is negative: give 0 to 64 threads/],
    [{ workers: 65 }, /^workers is more than 64 threads: give one for each processor to spare/],
    [{ workers: 1.5 }, /^workers is not a whole number of threads: give 0 to 64/],
  ])('refuses %j', (options, message) => {
    expect(() => resolveOptions(options)).toThrow(message);
  });

  it('knows an option by the name that it was written under', () => {
    const config = configFile('{"host": "file", "dev": 1}');
    const { hub, nameOf } = readStartOptions({ port: '3', config }, { WEBSUB_DATA: 'environment' });
    expect(['port', 'data', 'host', 'maxBody'].map(nameOf)).toEqual([
      '--port',
      'WEBSUB_DATA',
      `"host" in ${config}`,
      '--max-body',
    ]);
    expect(hub.dev).toBe(true);
  });

  it.each([{}, { host: '::1' }, { host: 'localhost' }, { dev: true, host: '0.0.0.0' }])(
    'takes a short admin key where nobody else listens, or in development: %j',
    (options) => {
      expect(resolveOptions({ ...options, adminKey: 'short' }).adminKey).toBe('short');
    },
  );

  it('opens in development what is closed in production', () => {
    const production = resolveOptions({});
    const development = resolveOptions({ dev: true });
    expect([
      production.openTo.content,
      production.lease.minSeconds,
      production.networks.callbacks.allows('127.0.0.1'),
    ]).toEqual([false, 300, false]);
    expect([
      development.openTo.content,
      development.lease.minSeconds,
      development.networks.callbacks.allows('127.0.0.1'),
    ]).toEqual([true, 1, true]);
    expect(development.networks.callbacks.allows('169.254.169.254')).toBe(false);
  });
});

describe('properties of options', () => {
  const names = fc.constantFrom(...OPTION_NAMES);
  const anything = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.jsonValue());

  it('anything is resolved, or refused with the name of the option and the cure', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(names, fc.string()), anything, { maxKeys: 4 }), (given) => {
        expect(typeof refusalOf(() => resolveOptions(given))).toBe('string');
      }),
    );
  });

  it('any flags and environment are read, or refused under the name by which they were given', () => {
    const flags = fc.dictionary(names, fc.oneof(fc.string(), fc.constant(true)), { maxKeys: 4 });
    const environment = fc.dictionary(names.map(environmentOf), fc.string(), { maxKeys: 4 });
    fc.assert(
      fc.property(flags, environment, (given, around) => {
        expect(refusalOf(() => readStartOptions(given, around))).toMatch(/^(?:none|--|WEBSUB_)/);
      }),
    );
  });
});

/** The option that is refused; `none` when all are taken. Anything else that is thrown goes on. */
function refusalOf(read: () => unknown): string {
  try {
    read();
    return 'none';
  } catch (error) {
    if (error instanceof OptionError) return error.option;
    throw error;
  }
}
