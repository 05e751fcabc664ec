import { styleText } from 'node:util';

/** Tells what happens, line by line, with the time since the line before. */
export class Story {
  #last = performance.now();

  title(text: string): void {
    process.stdout.write(`\n${styleText('bold', text)}\n\n`);
  }

  /** The next line tells the time from now on. */
  start(): void {
    this.#last = performance.now();
  }

  tell(who: string, what: string, detail = ''): void {
    const now = performance.now();
    const took = `${(now - this.#last).toFixed(1)} ms`.padStart(10);
    this.#last = now;
    const tail = detail === '' ? '' : styleText('gray', `  ${detail}`);
    process.stdout.write(
      `  ${styleText('gray', took)}  ${styleText(colourOf(who), who.padEnd(11))} ${what}${tail}\n`,
    );
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

function colourOf(who: string): 'cyan' | 'green' | 'magenta' {
  if (who === 'hub') return 'cyan';
  return who === 'subscriber' ? 'green' : 'magenta';
}
