import { InvalidArgumentError, type Command } from 'commander';
import type { HttpConfig } from '../service/options.js';

/** The flags of every command that makes requests. */
export interface RequestFlags {
  readonly header?: Readonly<Record<string, string>>;
  readonly timeout: number;
  readonly allowPrivateNetworks?: true;
}

export function withRequestFlags(command: Command): Command {
  return command
    .option('-H, --header <name: value>', 'a header of every request; may be repeated', header)
    .option('--timeout <seconds>', 'how long an answer is waited for', positive, 15)
    .option('--allow-private-networks', 'connect to addresses such as 10.0.0.0/8, for internal hubs');
}

export function httpOf({ header: headers, timeout, allowPrivateNetworks }: RequestFlags): HttpConfig {
  return {
    ...(headers === undefined ? {} : { headers }),
    timeoutMs: timeout * 1_000,
    retry: { attempts: 1 },
    ...(allowPrivateNetworks === undefined ? {} : { allowPrivateNetworks }),
  };
}

function header(
  text: string,
  others: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([!#$%&'*+\-.^`|~\w]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write it as "Name: value".');
  return { ...others, [name.toLowerCase()]: value };
}

export function positive(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('Give a whole number above 0.');
}

export function port(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError('Give a number from 0 to 65535; 0 takes a free port.');
}
