import { reasonOf, WebSubError } from '@websub/shared/errors';
import { CommanderError } from 'commander';

/** What was asked for is not so, or could not be done. */
export const FAILED = 1;
/** The command line is wrong. */
export const MISUSED = 2;

/** A sentence for the user, with the cure, and the status that the process ends with. */
export class CommandFailure extends Error {
  readonly status: number;

  constructor(message: string, status: number = FAILED) {
    super(message);
    this.status = status;
  }
}

const FLAGS: readonly (readonly [option: string, flag: string])[] = [
  ['set httpConfig.allowPrivateNetworks: true', 'add --allow-private-networks'],
  ['httpConfig.timeoutMs', '--timeout'],
  ['publicUrl ', '--public-url '],
  ['give hub and topic', 'name its hub with --hub'],
  ['needs secret: false', 'needs --no-secret'],
  ['give a credential that may publish', 'give --credential, a key that may publish'],
];

/** What commander ends `command` with: as it is after help, else with where help is. */
export function misuseOf(error: CommanderError, command: string): Error {
  if (error.exitCode === 0 || error.code === 'commander.help') return error;
  return new CommandFailure(`${error.message.replace(/^error: |\.$/g, '')}: see ${command} --help`, MISUSED);
}

/** Anything thrown, as a status and one line; without a line where commander has written itself, such as help. */
export function failureOf(thrown: unknown): { readonly line?: string; readonly status: number } {
  // Help that was not asked for is written where there is no command, or none of the name.
  if (thrown instanceof CommanderError) return { status: thrown.exitCode === 0 ? 0 : MISUSED };
  return { line: inFlags(reasonOf(thrown).replaceAll('\n', ' ')), status: statusOf(thrown) };
}

/** A sentence of the library's, with the flags that its options have here. */
export function inFlags(sentence: string): string {
  return FLAGS.reduce((text, [option, flag]) => text.replace(option, flag), sentence);
}

function statusOf(thrown: unknown): number {
  if (thrown instanceof CommandFailure) return thrown.status;
  const misused = ['invalid_request', 'invalid_configuration'];
  return thrown instanceof WebSubError && misused.includes(thrown.code) ? MISUSED : FAILED;
}
