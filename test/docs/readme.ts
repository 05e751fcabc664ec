import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** One fenced block of a README. */
export interface Block {
  /** The nearest heading above it. */
  readonly section: string;
  readonly language: string;
  readonly code: string;
  /** Lines of the file above the code. */
  readonly linesBefore: number;
}

/** A README of the project, by its path from the root. */
export class Readme {
  readonly text: string;
  readonly blocks: readonly Block[];

  private constructor(text: string) {
    this.text = text;
    this.blocks = [...blocksOf(text.split('\n'))];
  }

  static async read(path: string): Promise<Readme> {
    return new Readme(await readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8'));
  }

  /** The sections that have blocks of a language. */
  sections(language: string): readonly string[] {
    return [
      ...new Set(this.blocks.filter((block) => block.language === language).map(({ section }) => section)),
    ];
  }

  /**
   * The blocks of a section as one program, as a reader puts them together. What stands on a line of the file stands on
   * the same line of the program, so that a compiler's complaint leads to it.
   */
  program(section: string, language: string): string {
    const lines: string[] = [];
    for (const block of this.blocks) {
      if (block.section !== section || block.language !== language) continue;
      while (lines.length < block.linesBefore) lines.push('');
      lines.push(...block.code.split('\n'));
    }
    return lines.join('\n');
  }

  /** The names in the first column of the tables of a section, under this heading of the column. */
  firstColumn(section: string, heading: string): readonly (readonly string[])[] {
    const part = this.text.split(/^## /m).find((text) => text.startsWith(`${section}\n`)) ?? '';
    const tables = part.split(/\n\n+/).filter((text) => new RegExp(`^\\| ${heading} +\\|`).test(text));
    return tables.map((table) =>
      table
        .split('\n')
        .slice(2)
        .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name ?? '')),
    );
  }
}

function* blocksOf(lines: readonly string[]): Iterable<Block> {
  let section = '';
  let start = -1;
  for (const [number, line] of lines.entries()) {
    if (start < 0 && line.startsWith('## ')) section = line.slice(3);
    if (!line.startsWith('```')) continue;
    if (start < 0) {
      start = number;
    } else {
      const language = (lines[start] ?? '').slice(3);
      yield { section, language, code: lines.slice(start + 1, number).join('\n'), linesBefore: start + 1 };
      start = -1;
    }
  }
}
