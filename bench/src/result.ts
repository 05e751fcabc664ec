import { shown, shownSpread, type Latency, type Spread } from './figures.js';

/** What one of the parties of a bench took, over all rounds. */
export interface Figures {
  readonly who: string;
  /** Microseconds of processor time, user and system, for one unit. */
  readonly cpuUs?: Spread;
  /** Units in a second. */
  readonly rate?: Spread;
  /** Milliseconds, over all rounds. */
  readonly latency?: Latency;
}

/** A figure by itself, such as a ratio to the baseline in the same round. */
export interface Ratio {
  readonly name: string;
  readonly value: Spread;
}

export interface Result {
  readonly bench: string;
  readonly scenario: string;
  /** What one unit is: a delivery, a message, a publication. */
  readonly unit: string;
  readonly rounds: number;
  readonly figures: readonly Figures[];
  readonly ratios: readonly Ratio[];
  /** What was not delivered as it should be; empty when all was right. */
  readonly problems: readonly string[];
}

/** For people. */
export function describe({ bench, scenario, unit, rounds, figures, ratios, problems }: Result): string {
  const lines = figures.map(({ who, cpuUs, rate, latency }) =>
    [
      `  ${who.padEnd(13)}`,
      cpuUs === undefined ? '' : `${shownSpread(cpuUs)} µs CPU per ${unit}`,
      rate === undefined ? '' : `${shownSpread(rate)} ${several(unit)}/s`,
      latency === undefined
        ? ''
        : `ms p50 ${shown(latency.p50)} p90 ${shown(latency.p90)} p99 ${shown(latency.p99)} last ${shown(latency.last)}`,
    ]
      .filter((part) => part !== '')
      .join('  '),
  );
  return [
    `${bench}: ${scenario} (${rounds === 1 ? '1 round' : `${rounds} rounds`}; median, least–most)`,
    ...lines,
    ...ratios.map(({ name, value }) => `  ${name}: ${shownSpread(value)}`),
    problems.length === 0
      ? '  all as it should be'
      : `  WRONG: ${[...new Set(problems)].slice(0, 5).join('; ')}`,
  ].join('\n');
}

function several(unit: string): string {
  return unit.endsWith('y') ? `${unit.slice(0, -1)}ies` : `${unit}s`;
}
