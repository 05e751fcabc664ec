import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { checkSecret, checkSignature, reasonOf } from '@websub/shared';
import { Command, Option } from 'commander';
import { CommandFailure, MISUSED } from './failure.js';
import { print, tell } from './terminal.js';

interface VerifyFlags {
  readonly signature: string;
  readonly secret: string;
}

const HELP = `
The body is read byte for byte: from the file, or from standard input. The status is 0 when the signature
is right and 1 when it is not. On a machine with other users give the secret as WEBSUB_SECRET: command
lines are visible to all of them.

Examples:
  websub verify-signature --signature sha256=1f0c… --secret s3cret body.json
  curl -s https://blog.example.com/feed | WEBSUB_SECRET=s3cret websub verify-signature --signature sha1=9a…
`;

/** `websub verify-signature`: was this body signed with this secret (section 7.1)? */
export function verifySignatureCommand(): Command {
  return new Command('verify-signature')
    .description('check the X-Hub-Signature of a delivery')
    .argument('[file]', 'the body as it was received; - or nothing reads standard input', '-')
    .requiredOption('--signature <method=hex>', 'the value of X-Hub-Signature')
    .addOption(
      new Option('--secret <secret>', 'the secret of the subscription')
        .env('WEBSUB_SECRET')
        .makeOptionMandatory(),
    )
    .addHelpText('after', HELP)
    .action(verifySignature);
}

async function verifySignature(file: string, flags: VerifyFlags): Promise<void> {
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
