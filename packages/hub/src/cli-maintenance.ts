import { Option, type Command } from 'commander';
import { environmentOf } from './cli-option-specs.js';
import { readStartOptions } from './cli-options.js';
import type { Inspection } from './maintenance.js';
import { OptionError } from './option-error.js';

const DAMAGED = 1;

/** `websub-hub backup` and `websub-hub check`: for the data folder of a hub, which may be at work. */
export function maintenanceCommands(program: Command): readonly Command[] {
  const backup = program
    .command('backup')
    .description('copy the data into one file, also while the hub works')
    .addOption(dataOption())
    .requiredOption('--to <file>', 'the copy; it must not exist yet')
    .action(async (flags: { readonly data?: string; readonly to: string }) => {
      const { backUpData } = await import('./maintenance.js');
      const { inspection, keyFile } = await asWritten(flags, (data) => backUpData(data, flags.to));
      tell(flags.to, inspection);
      if (keyFile !== undefined)
        say(`its secrets open with the key in ${keyFile}: keep a copy of that, but not beside the backup`);
    });
  const check = program
    .command('check')
    .description('read all data and name what is damaged; status 1 when something is')
    .addOption(dataOption())
    .action(async (flags: { readonly data?: string }) => {
      const { checkData } = await import('./maintenance.js');
      await asWritten(flags, async (data) => tell(data, await checkData(data)));
    });
  return [backup, check];
}

function dataOption(): Option {
  return new Option(
    '--data <text>',
    `data folder of a hub, or a backup (${environmentOf('data')}; default: ./websub-data)`,
  );
}

/** Does it to the data folder; a wrong option is told as the user wrote it. */
async function asWritten<T>(
  { data }: { readonly data?: string },
  action: (data: string) => Promise<T>,
): Promise<T> {
  const { hub, nameOf } = readStartOptions({ data }, process.env);
  try {
    return await action(hub.data ?? './websub-data');
  } catch (error) {
    if (error instanceof OptionError) throw new OptionError(nameOf(error.option), error.complaint);
    throw error;
  }
}

function tell(what: string, { damage, remarks, read }: Inspection): void {
  for (const sentence of damage) say(`damaged: ${sentence}`);
  for (const sentence of remarks) say(sentence);
  const verdict = damage.length === 0 ? 'sound' : `${damage.length} damaged`;
  const extent =
    read === undefined ? 'structure' : `${read.entries} updates, ${read.subscriptions} subscriptions`;
  say(`${what}: ${extent}, ${verdict}`);
  if (damage.length > 0) process.exitCode = DAMAGED;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
