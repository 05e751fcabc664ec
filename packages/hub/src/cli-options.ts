import { readFileSync } from 'node:fs';
import { reasonOf } from '@websub/shared/errors';
import {
  environmentOf,
  flagOf,
  keyOf,
  OPTION_SPECS,
  type OptionKind,
  type OptionSpec,
} from './cli-option-specs.js';
import type { HubOptions } from './hub-options.js';
import { LOG_LEVELS, type LogLevel } from './log-levels.js';
import { nearestWord } from './nearest-word.js';
import type { OptionName } from './option-checks.js';
import { OptionError } from './option-error.js';

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
    take((name) => contents.get(name));
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

function convert({ value, as }: Written, kind: OptionKind): unknown {
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

function readConfigFile({ value, as }: Written): ReadonlyMap<string, Written> {
  const path = String(value);
  let parsed: unknown;
  try {
    // The decoder leaves out the byte order mark with which some editors begin a file.
    parsed = JSON.parse(new TextDecoder().decode(readFileSync(path)));
  } catch (error) {
    throw new OptionError(as, `cannot be read as JSON: ${path} (${reasonOf(error)})`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new OptionError(as, `is not a JSON object: ${path} must hold {"port": 8080, …}`);
  }
  const contents = new Map<string, Written>();
  for (const [key, entry] of Object.entries(parsed)) {
    const name = key.replace(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    const written: Written = { value: entry, as: `"${key}" in ${path}` };
    if (!IN_FILE.includes(name)) throw new OptionError(written.as, `is not an option: ${cureOfKey(key)}`);
    contents.set(name, written);
  }
  return contents;
}

/** The options that a config file may hold: all but the file itself. */
const IN_FILE: readonly string[] = OPTION_SPECS.map(({ name }) => name).filter((name) => name !== 'config');

/** The key that was meant, spelled as the file spells its keys: `public-url` or `publicUrl`. */
function cureOfKey(key: string): string {
  const isCamelCase = /^[^-_]*[a-z][A-Z]/.test(key);
  const nearest = nearestWord(
    key,
    IN_FILE.map((name) => (isCamelCase ? name : keyOf(name))),
  );
  return nearest === undefined
    ? 'use the names of the flags, such as "public-url"'
    : `did you mean "${nearest}"?`;
}

function isHubOption(name: OptionSpec['name']): name is OptionName {
  return name !== 'logLevel' && name !== 'config';
}

function logLevelOf(written: Written | undefined): LogLevel {
  if (written === undefined) return 'info';
  const level = LOG_LEVELS.find((known) => known === written.value);
  if (level === undefined)
    throw new OptionError(written.as, `is none of ${LOG_LEVELS.join(', ')}: choose one`);
  return level;
}
