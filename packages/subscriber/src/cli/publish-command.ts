import { Command, Option } from 'commander';
import { withRequestFlags, type RequestFlags } from './request-flags.js';

export interface PublishFlags extends RequestFlags {
  readonly hub?: string;
  readonly content?: string;
  readonly file?: string;
  readonly contentType?: string;
  readonly id?: string;
  readonly type?: string;
  readonly subject?: string;
  readonly credential?: string;
  readonly json?: true;
}

const HELP = `
Without content the hub is told that the topic changed, and fetches it. With --content or --file the content
itself is published, which most hubs take from those with a credential only. Without --hub the topic is asked
which hubs it names, and each of them is told.

Examples:
  websub publish https://blog.example.com/feed
  websub publish https://api.example.com/issues --hub https://hub.example.com/ \\
    --content '{"action":"opened"}' --content-type application/json -H 'X-Event: issueOpened'
  git log -1 | websub publish https://api.example.com/commits --hub https://hub.example.com/ --file -
`;

/** `websub publish TOPIC`. */
export function publishCommand(): Command {
  const command = new Command('publish')
    .description('tell the hub that a topic changed, or publish content')
    .argument('<topic>', 'the URL of the topic')
    .option('--hub <url>', 'the hub; default: those that the topic names')
    .option('--content <text>', 'publish this text')
    .addOption(new Option('--file <path>', 'publish this file; - is standard input').conflicts('content'))
    .option('--content-type <type>', 'of the content; default: text/plain')
    .option('--id <id>', 'your id of this update: sent again within 24 hours it is not published again')
    .option('--type <name>', 'the kind of update, for readers that look at one kind only')
    .option('--subject <name>', 'what the update is about')
    .addOption(new Option('--credential <key>', "the hub's bearer key").env('WEBSUB_CREDENTIAL'))
    .option('--json', 'print the result as JSON');
  return withRequestFlags(command)
    .addHelpText('after', HELP)
    .action(async (topic: string, flags: PublishFlags) =>
      (await import('./publish-action.js')).publish(topic, flags),
    );
}
