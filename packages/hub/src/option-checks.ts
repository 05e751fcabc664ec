import { NetworkPolicy, parseWebUrl } from '@websub/shared';
import { z } from 'zod';
import { DEFAULT_SUSPEND_AFTER_SECONDS } from './delivery/patience.js';
import { PUBLISH_POLICIES, READ_POLICIES, type HubOptions } from './hub-options.js';
import { OptionError } from './option-error.js';

const TEN_YEARS_SECONDS = 315_360_000;
const seconds = z
  .int('is not a whole number of seconds')
  .min(1, 'is less than 1 second: give 1 or more')
  .max(TEN_YEARS_SECONDS, 'is longer than ten years: give less');
const count = z.int('is not a whole number: give 1 or more').min(1, 'is less than 1: give 1 or more');
const MOST_WORKERS = 64;
const port = 'is not a port: give a whole number from 0 to 65535';
const ranges = z.array(z.string().refine(isCidr, 'is not CIDR: write ranges like 10.0.0.0/8')).default([]);

/** The checks, with the sentences that people read; `HubOptions` is the contract. */
const schema = z.strictObject({
  host: z.string().min(1, 'is empty: give an address such as 127.0.0.1').default('127.0.0.1'),
  port: z.int(port).min(0, port).max(65_535, port).default(8080),
  publicUrl: z
    .string()
    .refine(isWebUrl, 'is not an absolute http or https URL: write https://hub.example.com/')
    .optional(),
  topicBase: z
    .string()
    .refine(isTopicBase, 'is no http or https URL that ends with a slash: write https://hub.example.com/')
    .optional(),
  waypointJwtSecret: z.string().min(1, 'is empty: give the secret of the tokens').optional(),
  waypointAdminKeys: z.array(z.string().min(1, 'has an empty key: write GROUP=KEY')).default([]),
  waypointGovernanceKey: z.string().min(1, 'is empty: give a key').optional(),
  waypointTimeout: seconds.max(3_600, 'is longer than an hour: give less').default(60),
  data: z.string().min(1, 'is empty: name a folder, or :memory:').default('./websub-data'),
  dev: z.boolean().default(false),
  adminKey: z.string().min(1, 'is empty: give a key').optional(),
  publish: z.enum(PUBLISH_POLICIES, `is none of ${PUBLISH_POLICIES.join(', ')}: choose one`).default('ping'),
  read: z.enum(READ_POLICIES, `is none of ${READ_POLICIES.join(', ')}: choose one`).default('open'),
  jwtKeys: z
    .string()
    .min(1, 'is empty: name a file or a URL')
    .refine(isKeySetAddress, 'is a URL that others can tamper with: use https, or a file')
    .optional(),
  jwtAudience: z.string().min(1, 'is empty: name what the aud of tokens has to be').optional(),
  jwtIssuer: z.string().min(1, 'is empty: name what the iss of tokens has to be').optional(),
  streamsSecret: z.string().min(16, 'has fewer than 16 characters: choose a longer secret').optional(),
  queryToken: z.boolean().default(false),
  corsOrigins: z
    .array(z.string().refine(isOrigin, 'is not an origin: write https://shop.example, or *'))
    .optional(),
  maxStreams: count.default(12_000),
  streamsPerAddress: count.optional(),
  streamsPerSubject: count.optional(),
  consumerExpiry: seconds.default(604_800),
  allowNetwork: ranges,
  allowCallbackNetwork: ranges,
  allowTopicNetwork: ranges,
  minLease: seconds.optional(),
  maxLease: seconds.default(2_592_000),
  defaultLease: seconds.default(864_000),
  maxBody: count.default(5_242_880),
  retryDelays: z
    .array(
      z
        .number('is not a list of seconds: write 5,30,120')
        .min(0, 'has a negative delay: give seconds from now')
        .max(TEN_YEARS_SECONDS, 'has a delay of more than ten years: give less'),
    )
    .max(50, 'has more than 50 delays: give fewer, longer ones')
    .optional(),
  suspendAfter: seconds.default(DEFAULT_SUSPEND_AFTER_SECONDS),
  breaker: z.boolean().optional(),
  hostConcurrency: count.optional(),
  maxSubscriptions: count.default(2_000_000),
  maxInFlight: count.optional(),
  workers: z
    .int('is not a whole number of threads: give 0 to 64')
    .min(0, 'is negative: give 0 to 64 threads')
    .max(MOST_WORKERS, 'is more than 64 threads: give one for each processor to spare')
    .default(0),
  retainSeconds: seconds.default(1_209_600),
  retainEntries: count.default(1_000_000),
  retainBytes: count.default(4 * 1024 ** 3),
  secretKey: z
    .array(z.string().min(32, 'has fewer than 32 characters: make one with openssl rand -base64 32'))
    .default([]),
  secretKeyFile: z.string().min(1, 'is empty: name a file').optional(),
  canarySeconds: z
    .int('is not a whole number of seconds: give one, or 0 to turn it off')
    .min(0, 'is negative: give seconds, or 0 to turn it off')
    .default(10),
  drainSeconds: z
    .number('is not a number of seconds: give 0 to 15')
    .min(0, 'is negative: give 0 to 15 seconds')
    .max(15, 'is more than 15 seconds: give 0 to 15')
    .default(0),
  trustProxy: ranges,
});

/** Names of the options that can be written down, for flags, environment and config file. */
export const OPTION_NAMES = Object.keys(schema.shape) as readonly (keyof z.output<typeof schema>)[];
export type OptionName = (typeof OPTION_NAMES)[number];

/** Options as they were given, with the defaults that depend on nothing else. */
export type CheckedOptions = z.output<typeof schema>;

/** Each option by itself. Throws `invalid_configuration` with `option` and a sentence that tells the cure. */
export function checkOptions(options: Omit<HubOptions, 'ports' | 'validate'>): CheckedOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) throw toOptionError(parsed.error.issues[0]);
  return parsed.data;
}

function toOptionError(issue: z.core.$ZodIssue | undefined): OptionError {
  if (issue?.code === 'unrecognized_keys') {
    return new OptionError(issue.keys[0] ?? '', `is not an option: use one of ${OPTION_NAMES.join(', ')}`);
  }
  return new OptionError(String(issue?.path[0] ?? 'options'), complaintOf(issue));
}

/** What a value of a type is called; where a check has no words of its own, the library's name no option and no cure. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
};

function complaintOf(issue: z.core.$ZodIssue | undefined): string {
  const wanted = issue?.code === 'invalid_type' ? KINDS[issue.expected] : undefined;
  if (issue === undefined || wanted === undefined || !issue.message.startsWith('Invalid input'))
    return issue?.message ?? 'are wrong';
  const [, item] = issue.path;
  return item === undefined
    ? `is not ${wanted}: give ${wanted}`
    : `holds something else than ${wanted}: look at its item ${Number(item) + 1}`;
}

function isWebUrl(value: string): boolean {
  return doesNotThrow(() => parseWebUrl(value, 'publicUrl'));
}

/** Names are put behind it. */
function isTopicBase(value: string): boolean {
  return isWebUrl(value) && value.endsWith('/') && !value.includes('?');
}

/** A file; or a URL that nobody on the way can change: https, or http on this machine. */
function isKeySetAddress(value: string): boolean {
  if (!/^https?:/i.test(value)) return true;
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function isOrigin(value: string): boolean {
  return value === '*' || (URL.canParse(value) && new URL(value).origin === value);
}

function isCidr(value: string): boolean {
  return doesNotThrow(() => new NetworkPolicy({ allow: [value] }));
}

function doesNotThrow(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
