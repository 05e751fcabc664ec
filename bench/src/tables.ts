import { shown, shownSpread, type Spread } from './figures.js';
import type { Machine } from './machine.js';
import type { Figures, Result } from './result.js';

/** A result as it is kept. */
export interface KeptResult extends Result {
  readonly measured: Machine;
}

/** A table of docs/performance.md: a heading and a cell of each result for each column. */
interface Table {
  readonly bench: string;
  /** Which results of the bench; default all. */
  readonly of?: (result: Result) => boolean;
  readonly columns: readonly (readonly [heading: string, cell: (result: Result) => string])[];
}

type Measure = 'cpuUs' | 'rate';

function figureOf(who: string, of: Measure): (result: Result) => string {
  return ({ figures }) => cell(figures.find((each) => each.who === who)?.[of]);
}

function ratioOf(name: string): (result: Result) => string {
  return ({ ratios }) => cell(ratios.find((each) => each.name === name)?.value);
}

function cell(spread: Spread | undefined): string {
  return spread === undefined ? '' : shownSpread(spread);
}

function hasFigures(who: string): (result: Result) => boolean {
  return ({ figures }) => figures.some((each) => each.who === who);
}

const scenario = ({ scenario: text }: Result): string => text;

const BESIDE_THE_STORE: Table['columns'] = [
  ['', scenario],
  ['µs of the hub', figureOf('hub', 'cpuUs')],
  ['per second', figureOf('hub', 'rate')],
  ['CPU ÷ bare store', cpuRatio],
];

/** By the name that their place in the page has. */
const TABLES: Readonly<Record<string, Table>> = {
  'fan-out': {
    bench: 'fan-out',
    of: hasFigures('limit'),
    columns: [
      ['topics × callbacks each', scenario],
      ['µs of the hub', figureOf('hub', 'cpuUs')],
      ['hub ÷ limit', ratioOf('CPU per delivery ÷ limit')],
      ['dispatch loop ÷ limit', ratioOf('CPU per delivery of the dispatch loop ÷ limit')],
      ['request loop ÷ limit', ratioOf('CPU per delivery of the request loop ÷ limit')],
    ],
  },
  'fan-out-rates': {
    bench: 'fan-out',
    of: hasFigures('limit'),
    columns: [
      ['topics × callbacks each', scenario],
      ['deliveries per second', figureOf('hub', 'rate')],
      ['÷ dispatch loop', ratioOf('deliveries per second ÷ dispatch loop')],
      ['÷ request loop', ratioOf('deliveries per second ÷ request loop')],
      ['time to the last ÷ limit', ratioOf('time to the last ÷ limit')],
    ],
  },
  'bad-neighbours': {
    bench: 'fan-out',
    of: hasFigures('beside'),
    columns: [
      ['', scenario],
      ['last healthy delivery ÷ with none', ratioOf('last healthy delivery ÷ the same hub with none')],
    ],
  },
  'far-callback': {
    bench: 'far-callback',
    columns: [
      ['', scenario],
      ['deliveries per second, every', figureOf('every', 'rate')],
      ['unordered', figureOf('unordered', 'rate')],
      ['unordered ÷ every', ratioOf('deliveries per second, unordered ÷ every')],
      ['CPU, unordered ÷ every', ratioOf('CPU per delivery, unordered ÷ every')],
    ],
  },
  'first-delivery': {
    bench: 'first-delivery',
    columns: [
      ['', scenario],
      ['ms to the first', ratioOf('ms from publication to first delivery')],
      ['of the limit, in memory', ratioOf('the same of the limit')],
      ['ms that the event loop is late, p99', ratioOf("ms that the hub's event loop is late, p99")],
      ['µs of the hub', figureOf('hub', 'cpuUs')],
      ['MiB that its memory rose', ratioOf('MiB that memory rose, at most')],
    ],
  },
  publish: { bench: 'publish', columns: BESIDE_THE_STORE },
  subscribe: { bench: 'subscribe', columns: BESIDE_THE_STORE },
  streams: {
    bench: 'streams',
    of: hasFigures('bare loop'),
    columns: [
      ['', scenario],
      ['µs of the hub', figureOf('hub', 'cpuUs')],
      ['hub ÷ bare loop', ratioOf('CPU per message ÷ bare loop')],
      ['messages per second', figureOf('hub', 'rate')],
      ['KB per idle reader', ({ ratios }) => once(ratios, 'KB of memory per idle reader')],
      ['of the bare loop', ({ ratios }) => once(ratios, 'the same of the bare loop')],
    ],
  },
  replay: {
    bench: 'streams',
    of: (result) => !hasFigures('bare loop')(result),
    columns: [
      ['', scenario],
      ['entries per second', figureOf('hub', 'rate')],
      ["÷ the store's own range reads", ratioOf("rate ÷ the store's own range reads")],
    ],
  },
  memory: {
    bench: 'memory',
    columns: [
      ['', scenario],
      ['bytes per idle subscription', ratioOf('bytes of memory per idle subscription')],
      ['MiB in all', ratioOf('MiB in all')],
      ['s until ready', ratioOf('s until ready')],
      ['bare store reads them in', ratioOf('s that the bare store reads')],
    ],
  },
};

function cpuRatio({ ratios }: Result): string {
  return cell(ratios.find(({ name }) => name.startsWith('CPU per'))?.value);
}

function once(ratios: Result['ratios'], name: string): string {
  const value = ratios.find((each) => each.name === name)?.value;
  return value === undefined ? '' : shown(value.median);
}

/** Of the bench `workers`: a line for each number of threads. */
function workersTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ scenario: text, figures, ratios }) =>
    figures.map(({ who, cpuUs, rate }: Figures) => {
      const of = (name: string): string =>
        cell(ratios.find((each) => each.name === `${who}: ${name}`)?.value);
      return [
        `${text}: ${who}`,
        cell(cpuUs),
        of('µs of its busiest thread per delivery'),
        of('CPU of the busiest thread ÷ none'),
        cell(rate),
        of('deliveries per second ÷ none'),
      ];
    }),
  );
  const headings = ['', 'µs in all', 'µs of the busiest thread', '÷ none', 'deliveries per second', '÷ none'];
  return markdown(headings, rows);
}

function markdown(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What stands at a place of the page, as Markdown. Throws when no place has that name. */
export function tableOf(name: string, resultsOf: (bench: string) => readonly Result[]): string {
  if (name === 'workers') return workersTable(resultsOf('workers'));
  const table = TABLES[name];
  if (table === undefined) throw new Error(`no table is called ${name}`);
  const results = resultsOf(table.bench).filter(table.of ?? (() => true));
  return markdown(
    table.columns.map(([heading]) => heading),
    results.map((result) => table.columns.map(([, cellOf]) => cellOf(result))),
  );
}

/** Where, when and beside what the results were measured, as a sentence. */
export function machineOf(results: readonly KeptResult[]): string {
  const each = results.map(({ measured }) => measured);
  const days = [...new Set(each.map(({ at }) => at.slice(0, 10)))].toSorted();
  const [first] = each;
  if (first === undefined) throw new Error('nothing was measured');
  const { processors, processor, memoryGib, node } = first;
  const loads = each.map(({ load }) => load);
  return (
    `${days.join(', ')}: ${processors} processors (${processor}), ${memoryGib} GiB, Node ${node.slice(1)}; ` +
    `load average ${shown(Math.min(...loads))} to ${shown(Math.max(...loads))}, the bench's own processes among it.`
  );
}

const PLACE = /(<!-- measured: ([\w-]+) -->\n\n)[^]*?(\n\n<!-- \/measured -->)/g;

/** The page with what was measured at each of its places. */
export function filledIn(page: string, resultsOf: (bench: string) => readonly KeptResult[]): string {
  const benches = [...new Set(Object.values(TABLES).map(({ bench }) => bench)), 'workers'];
  return page.replace(PLACE, (_all, begin: string, name: string, end: string) => {
    const text = name === 'machine' ? machineOf(benches.flatMap(resultsOf)) : tableOf(name, resultsOf);
    return `${begin}${text}${end}`;
  });
}
