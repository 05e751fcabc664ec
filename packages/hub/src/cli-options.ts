import { readFileSync } from 'node:fs';
import { reasonOf } from '@websub/shared';
import { LOG_LEVELS, type LogLevel } from './logging.js';
import { PUBLISH_POLICIES, READ_POLICIES, type HubOptions } from './hub-options.js';
import { OPTION_NAMES, type OptionName } from './option-checks.js';
import { OptionError } from './option-error.js';

type Kind = 'text' | 'number' | 'switch' | 'list' | 'numbers';

/** How one option is written on a command line, in the environment and in a config file. */
export interface OptionSpec {
  readonly name: OptionName | 'logLevel' | 'config';
  readonly kind: Kind;
  readonly help: string;
  readonly fallback: string;
}

/** Every option of `websub-hub start`, in the order of its help. */
export const OPTION_SPECS: readonly OptionSpec[] = [
  { name: 'host', kind: 'text', help: 'address to listen on', fallback: '127.0.0.1' },
  { name: 'port', kind: 'number', help: 'port to listen on; 0 takes a free one', fallback: '8080' },
  {
    name: 'publicUrl',
    kind: 'text',
    help: 'what the hub calls itself in Link headers',
    fallback: 'http://host:port/',
  },
  {
    name: 'topicBase',
    kind: 'text',
    help: 'URL below which targets, wallets and clients of other systems are topics',
    fallback: 'the public URL',
  },
  {
    name: 'waypointJwtSecret',
    kind: 'text',
    help: "secret (HS256) of the tokens of Waypoint's tenants",
    fallback: 'none',
  },
  {
    name: 'waypointAdminKeys',
    kind: 'list',
    help: "keys of Waypoint's tenant admins: GROUP=KEY, or KEY for every group",
    fallback: 'none',
  },
  { name: 'waypointGovernanceKey', kind: 'text', help: "key of Waypoint's governance", fallback: 'none' },
  {
    name: 'waypointTimeout',
    kind: 'number',
    help: 'seconds that a wait for the event of a wallet lasts',
    fallback: '60',
  },
  {
    name: 'data',
    kind: 'text',
    help: 'folder of the embedded store; :memory: keeps nothing',
    fallback: './websub-data',
  },
  {
    name: 'dev',
    kind: 'switch',
    help: 'loopback allowed, publishing and management open, no rate limits',
    fallback: 'off',
  },
  { name: 'adminKey', kind: 'text', help: 'bearer key of the management API', fallback: 'none' },
  {
    name: 'publish',
    kind: 'text',
    help: `who may publish without a credential: ${PUBLISH_POLICIES.join(', ')}`,
    fallback: 'ping',
  },
  {
    name: 'read',
    kind: 'text',
    help: `who may subscribe without a credential: ${READ_POLICIES.join(', ')}`,
    fallback: 'open',
  },
  {
    name: 'jwtKeys',
    kind: 'text',
    help: 'file or https URL of the JSON Web Key Set that tokens are signed with',
    fallback: 'none',
  },
  { name: 'jwtAudience', kind: 'text', help: 'what the aud of tokens has to be', fallback: 'none' },
  { name: 'jwtIssuer', kind: 'text', help: 'what the iss of tokens has to be', fallback: 'anything' },
  {
    name: 'streamsSecret',
    kind: 'text',
    help: "with which applications sign the names of streams for AnyCable's clients",
    fallback: 'none',
  },
  {
    name: 'queryToken',
    kind: 'switch',
    help: 'a credential may be shown as ?token= or ?jid=, where proxies and browsers keep it',
    fallback: 'off',
  },
  {
    name: 'corsOrigins',
    kind: 'list',
    help: 'origins whose pages may read topics; * for all',
    fallback: 'none, with --dev *',
  },
  { name: 'maxStreams', kind: 'number', help: 'streams at a time in all', fallback: '12000' },
  {
    name: 'streamsPerAddress',
    kind: 'number',
    help: 'streams at a time from one address',
    fallback: '200, with --dev all',
  },
  {
    name: 'streamsPerSubject',
    kind: 'number',
    help: 'streams at a time of one subject of tokens',
    fallback: '20, with --dev all',
  },
  {
    name: 'consumerExpiry',
    kind: 'number',
    help: 'seconds after which a named consumer that nobody uses is removed',
    fallback: '604800',
  },
  {
    name: 'allowNetwork',
    kind: 'list',
    help: 'CIDR ranges exempt from the private-address ban',
    fallback: 'none',
  },
  {
    name: 'allowCallbackNetwork',
    kind: 'list',
    help: 'further ones, for callbacks only',
    fallback: 'none',
  },
  {
    name: 'allowTopicNetwork',
    kind: 'list',
    help: 'further ones, for topics only',
    fallback: 'none',
  },
  { name: 'minLease', kind: 'number', help: 'shortest lease, seconds', fallback: '300, with --dev 1' },
  { name: 'maxLease', kind: 'number', help: 'longest lease, seconds', fallback: '2592000' },
  { name: 'defaultLease', kind: 'number', help: 'lease when none is asked for, seconds', fallback: '864000' },
  { name: 'maxBody', kind: 'number', help: 'bytes of one update', fallback: '5242880' },
  {
    name: 'retryDelays',
    kind: 'numbers',
    help: 'seconds before each further attempt, then the dead letter',
    fallback: '5,30,120,… 2.65 days',
  },
  {
    name: 'suspendAfter',
    kind: 'number',
    help: 'seconds of failures without a success until a subscription is suspended',
    fallback: '259200',
  },
  {
    name: 'breaker',
    kind: 'switch',
    help: 'spare callback origins that fail',
    fallback: 'on, with --dev off',
  },
  {
    name: 'hostConcurrency',
    kind: 'number',
    help: 'deliveries in flight per callback host',
    fallback: '10, with --dev 64',
  },
  {
    name: 'maxSubscriptions',
    kind: 'number',
    help: 'subscriptions in all; further ones are answered 429',
    fallback: '2000000',
  },
  {
    name: 'maxInFlight',
    kind: 'number',
    help: 'deliveries in flight in all',
    fallback: '512, with --dev 1024',
  },
  {
    name: 'workers',
    kind: 'number',
    help: "threads that deliver besides the hub's own, where processors are to spare",
    fallback: '0',
  },
  { name: 'retainSeconds', kind: 'number', help: 'how long an update stays in the log', fallback: '1209600' },
  { name: 'retainEntries', kind: 'number', help: 'how many updates stay in the log', fallback: '1000000' },
  {
    name: 'retainBytes',
    kind: 'number',
    help: 'how many bytes of updates stay in the log',
    fallback: '4294967296',
  },
  {
    name: 'canarySeconds',
    kind: 'number',
    help: 'seconds between the updates that the hub sends through itself; 0 for none',
    fallback: '10',
  },
  {
    name: 'drainSeconds',
    kind: 'number',
    help: 'seconds for which a stopping hub still serves while it says that it is not ready',
    fallback: '2, with --dev 0',
  },
  {
    name: 'trustProxy',
    kind: 'list',
    help: 'CIDR ranges of proxies whose X-Forwarded-For counts',
    fallback: 'none',
  },
  {
    name: 'secretKey',
    kind: 'list',
    help: 'keys that encrypt secrets at rest; the first encrypts, all decrypt',
    fallback: 'a key in the data folder, with --dev none',
  },
  { name: 'secretKeyFile', kind: 'text', help: 'file with such keys, one in each line', fallback: 'none' },
  { name: 'logLevel', kind: 'text', help: LOG_LEVELS.join(', '), fallback: 'info' },
  { name: 'config', kind: 'text', help: 'JSON file with any of these options', fallback: 'none' },
];

/** `publicUrl` is the flag `--public-url` … */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** … and the environment variable `WEBSUB_PUBLIC_URL`. */
export function environmentOf(name: string): string {
  return `WEBSUB_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

export interface StartOptions {
  readonly hub: HubOptions;
  readonly logLevel: LogLevel;
  /** The name by which the user knows an option: as he wrote it, else its flag. */
  readonly nameOf: (option: string) => string;
}

/**
 * Brings flags, environment and config file together: flags win over the environment, the environment over the file.
 *
 * Throws {@link OptionError} with the option as the user wrote it.
 */
export function readStartOptions(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): StartOptions {
  const written = new Map<string, Written>();
  const take = (source: (name: string) => Written | undefined): void => {
    for (const { name } of OPTION_SPECS) {
      const found = source(name);
      if (found !== undefined && !written.has(name)) written.set(name, found);
    }
  };
  take((name) => (flags[name] === undefined ? undefined : { value: flags[name], as: flagOf(name) }));
  take((name) =>
    environment[environmentOf(name)]
      ? { value: environment[environmentOf(name)], as: environmentOf(name) }
      : undefined,
  );
  const file = written.get('config');
  if (file !== undefined) {
    const contents = readConfigFile(file);
    take((name) =>
      contents.has(name)
        ? { value: contents.get(name), as: `"${flagOf(name).slice(2)}" in ${String(file.value)}` }
        : undefined,
    );
  }
  return {
    hub: hubOptionsOf(written),
    logLevel: logLevelOf(written.get('logLevel')),
    nameOf: (option) => written.get(option)?.as ?? flagOf(option),
  };
}

interface Written {
  readonly value: unknown;
  /** How the user named it. */
  readonly as: string;
}

function hubOptionsOf(written: ReadonlyMap<string, Written>): HubOptions {
  return Object.fromEntries(
    OPTION_SPECS.flatMap(({ name, kind }) => {
      const found = written.get(name);
      return found === undefined || !isHubOption(name) ? [] : [[name, convert(found, kind)]];
    }),
  );
}

function convert({ value, as }: Written, kind: Kind): unknown {
  switch (kind) {
    case 'text':
      if (typeof value !== 'string') throw new OptionError(as, 'is not text: put it in quotes');
      return value;
    case 'number':
      return toNumber(value, as);
    case 'switch':
      return toBoolean(value, as);
    case 'list':
      return toList(value);
    case 'numbers':
      return toList(value).map((item) => toNumber(item, as));
  }
}

function toNumber(value: unknown, as: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number))
    throw new OptionError(as, `is not a number: write digits, not "${String(value)}"`);
  return number;
}

function toBoolean(value: unknown, as: string): boolean {
  const text = String(value);
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new OptionError(as, 'is neither true nor false, 1 nor 0: write 1 to turn it on');
}

function toList(value: unknown): readonly unknown[] {
  if (typeof value !== 'string') return Array.isArray(value) ? value : [value];
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function readConfigFile({ value, as }: Written): ReadonlyMap<string, unknown> {
  const path = String(value);
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new OptionError(as, `cannot be read as JSON: ${path} (${reasonOf(error)})`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new OptionError(as, `is not a JSON object: ${path} must hold {"port": 8080, …}`);
  }
  const contents = new Map<string, unknown>();
  for (const [key, entry] of Object.entries(parsed)) {
    const name = key.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    if (!OPTION_SPECS.some((spec) => spec.name === name) || name === 'config') {
      throw new OptionError(
        `"${key}" in ${path}`,
        'is not an option: use the names of the flags, such as "public-url"',
      );
    }
    contents.set(name, entry);
  }
  return contents;
}

function isHubOption(name: string): name is OptionName {
  return (OPTION_NAMES as readonly string[]).includes(name);
}

function logLevelOf(written: Written | undefined): LogLevel {
  if (written === undefined) return 'info';
  const level = LOG_LEVELS.find((known) => known === written.value);
  if (level === undefined)
    throw new OptionError(written.as, `is none of ${LOG_LEVELS.join(', ')}: choose one`);
  return level;
}
