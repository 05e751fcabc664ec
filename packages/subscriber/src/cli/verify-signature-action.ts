import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { reasonOf } from '@websub/shared/errors';
import { checkSecret, checkSignature } from '@websub/shared/signature';
import { CommandFailure, MISUSED } from './failure.js';
import { print, tell } from './terminal.js';
import type { VerifyFlags } from './verify-signature-command.js';

/** Was this body signed with this secret (section 7.1)? */
export async function verifySignature(file: string, flags: VerifyFlags): Promise<void> {
  const secret = checkSecret(flags.secret);
  const header = flags.signature.replace(/^x-hub-signature:\s*/i, '');
  const body = await bodyOf(file);
  const check = checkSignature(body, header, [secret]);
  if (check.kind === 'valid')
    return print(`the signature is right: ${check.method}, ${body.byteLength} bytes`);
  switch (check.reason) {
    case 'missing':
    case 'malformed':
      throw new CommandFailure('--signature is not METHOD=HEX: copy all of X-Hub-Signature', MISUSED);
    case 'unknown-method':
      throw new CommandFailure(
        '--signature has another method than sha1, sha256, sha384 and sha512',
        MISUSED,
      );
    case 'mismatch':
      throw new CommandFailure(`the signature is wrong: ${hint(body, header, secret)}`);
  }
}

async function bodyOf(file: string): Promise<Uint8Array> {
  if (file === '-') {
    if (process.stdin.isTTY) tell('reading the body from standard input; Ctrl-D ends it');
    return buffer(process.stdin);
  }
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CommandFailure(`the body cannot be read: ${reasonOf(cause)}`, MISUSED);
  }
}

/** What most often happens to a body on its way into a file. */
function hint(body: Uint8Array, header: string, secret: string): string {
  const shorter = Buffer.from(body)
    .toString('latin1')
    .replace(/\r?\n$/, '');
  const without = Buffer.from(shorter, 'latin1');
  return checkSignature(without, header, [secret]).kind === 'valid'
    ? 'it is right without the newline at the end of the body: something added that'
    : `check the secret, and that these ${body.byteLength} bytes are the body as received, not parsed and written again`;
}
