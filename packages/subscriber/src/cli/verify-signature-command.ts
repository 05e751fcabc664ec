import { Command, Option } from 'commander';

export interface VerifyFlags {
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

/** `websub verify-signature [FILE]`. */
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
    .action(async (file: string, flags: VerifyFlags) =>
      (await import('./verify-signature-action.js')).verifySignature(file, flags),
    );
}
