import { reasonOf, WebSubError, type ErrorCode } from '@websub/shared/errors';
import { OptionError } from './option-error.js';

/** The command line, the environment or the config file is wrong. */
export const MISUSE = 2;
/** Starting again would come to the same until a person has done something (EX_CONFIG): a supervisor had better not. */
const NEEDS_A_PERSON = 78;
const WANTING_A_PERSON: ReadonlySet<string> = new Set<ErrorCode>([
  'store_damaged',
  'store_newer',
  'unknown_key',
]);

/** Ends the process with one line on standard error. */
export function fail(sentence: string, status: number): never {
  process.stderr.write(`websub-hub: ${sentence.replaceAll('\n', ' ')}\n`);
  process.exit(status);
}

/** Ends the process with what was thrown, and the status that tells a supervisor what to do. */
export function failWith(error: unknown): never {
  fail(reasonOf(error), statusOf(error));
}

export function statusOf(error: unknown): number {
  if (error instanceof OptionError) return MISUSE;
  return error instanceof WebSubError && WANTING_A_PERSON.has(error.code) ? NEEDS_A_PERSON : 1;
}
