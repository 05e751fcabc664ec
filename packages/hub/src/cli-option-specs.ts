import { PUBLISH_POLICIES, READ_POLICIES } from './hub-options.js';
import { LOG_LEVELS } from './log-levels.js';
import type { OptionName } from './option-checks.js';

/** What is written down: a list or numbers with commas in between. */
export type OptionKind = 'text' | 'number' | 'switch' | 'list' | 'numbers';

/** How one option is written on a command line, in the environment and in a config file. */
export interface OptionSpec {
  readonly name: OptionName | 'logLevel' | 'config';
  readonly kind: OptionKind;
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
    help: 'spare callback origins that fail; --no-breaker does not',
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

/** `publicUrl` is `public-url` in a config file, … */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** … the flag `--public-url` … */
export function flagOf(name: string): string {
  return `--${keyOf(name)}`;
}

/** … and the environment variable `WEBSUB_PUBLIC_URL`. */
export function environmentOf(name: string): string {
  return `WEBSUB_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
