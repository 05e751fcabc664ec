import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '@websub/shared';
import type { OptionName } from '../../option-checks.js';
import { OptionError } from '../../option-error.js';
import { syncFolder } from '../sqlite/folder.js';
import { IN_MEMORY } from '../sqlite/open-database.js';

export const KEY_FILE = 'secret.key';
const SHORTEST_KEY = 32;
const GENERATED_BYTES = 32;

export interface KeySources {
  /** The data folder, or `:memory:`. It must exist and be this hub's alone. */
  readonly data: string;
  readonly keys: readonly string[];
  /** A file with one key in each line; lines that begin with # are remarks. */
  readonly keyFile: string | undefined;
  readonly dev: boolean;
}

export interface FoundKeys {
  /** The first seals, all open. */
  readonly keys: readonly string[];
  /** `given`; `beside-the-data`: the first lies in the data folder, where this hub once put it; `none`. */
  readonly from: 'given' | 'beside-the-data' | 'none';
  /** The file that this call put into the data folder. */
  readonly made?: string;
}

/**
 * The keys for the secrets at rest: those given, then the one that an earlier start put into the data folder. With none of
 * them a key is put there, except in development. Throws {@link OptionError} for a file that has no usable key.
 */
export function findKeys({ data, keys, keyFile, dev }: KeySources): FoundKeys {
  const given = [...keys, ...(keyFile === undefined ? [] : readKeys(keyFile, 'secretKeyFile'))];
  if (data === IN_MEMORY) return { keys: given.length > 0 ? given : [generate()], from: 'given' };
  const own = join(data, KEY_FILE);
  if (existsSync(own)) {
    return {
      keys: [...given, ...readKeys(own, 'data')],
      from: given.length > 0 ? 'given' : 'beside-the-data',
    };
  }
  if (given.length > 0) return { keys: given, from: 'given' };
  if (dev) return { keys: [], from: 'none' };
  const key = generate();
  writeKey(own, key, data);
  return { keys: [key], from: 'beside-the-data', made: own };
}

/** Takes away a key that opens nothing and has sealed nothing: whoever finds it would take it for the one that is missing. */
export function discardKey({ made }: FoundKeys): void {
  if (made !== undefined) rmSync(made, { force: true });
}

function generate(): string {
  return randomBytes(GENERATED_BYTES).toString('base64');
}

function readKeys(path: string, option: OptionName): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new OptionError(option, `has keys that cannot be read: ${path} (${reasonOf(cause)})`);
  }
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0)
    throw new OptionError(
      option,
      `names a file without a key: put the output of openssl rand -base64 32 into ${path}`,
    );
  if (keys.some((key) => key.length < SHORTEST_KEY)) {
    throw new OptionError(
      option,
      `has a key of fewer than ${SHORTEST_KEY} characters: make one with openssl rand -base64 32 (${path})`,
    );
  }
  return keys;
}

/** On stable storage before it is used: nothing that it seals may outlive it. */
function writeKey(path: string, key: string, folder: string): void {
  const fresh = `${path}.new`;
  const descriptor = openSync(fresh, 'w', 0o600);
  try {
    writeSync(
      descriptor,
      `# Opens the secrets in this folder's database. Keep a copy, apart from backups.\n${key}\n`,
    );
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(fresh, path);
  syncFolder(folder);
}
