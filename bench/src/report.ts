import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './result.js';
import { filledIn, type KeptResult } from './tables.js';

// Puts the results that are committed into docs/performance.md, and draws them. `npm run bench:report`

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly kind: string;
}

const WIDTH = 760;
const ROW = 22;
const LEFT = 300;
const RIGHT = 110;
const COLOURS: Readonly<Record<string, string>> = {
  hub: '#1f6feb',
  limit: '#8c959f',
  'dispatch loop': '#bf8700',
  'request loop': '#8250df',
  'bare loop': '#8c959f',
  'bare store': '#8c959f',
};

/** Bars with what they spread over between the rounds. */
function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map((bar) => bar.most));
  const x = (value: number): number => (value / most) * (WIDTH - LEFT - RIGHT);
  const rows = bars.map(({ label, value, least, most: top, kind }, n) => {
    const y = 50 + n * ROW;
    const middle = y + ROW / 2 - 3;
    return [
      `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${x(value).toFixed(1)}" height="${ROW - 6}" fill="${COLOURS[kind] ?? '#57606a'}"/>`,
      `<path d="M${(LEFT + x(least)).toFixed(1)} ${middle}H${(LEFT + x(top)).toFixed(1)}" stroke="#24292f" stroke-width="1.5"/>`,
      `<text x="${(LEFT + x(top) + 6).toFixed(1)}" y="${middle + 4}">${value.toFixed(1)} ${unit}</text>`,
    ].join('\n');
  });
  const height = 60 + bars.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#24292f">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="12" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>
${rows.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function resultsOf(bench: string): readonly KeptResult[] {
  const text = readFileSync(new URL(`../results/${bench}.json`, import.meta.url), 'utf8');
  return JSON.parse(text) as KeptResult[];
}

function cpuBars(results: readonly Result[]): Bar[] {
  return results.flatMap(({ scenario, figures }) =>
    figures.flatMap(({ who, cpuUs }) =>
      cpuUs === undefined
        ? []
        : [
            {
              label: `${scenario}: ${who}`,
              value: cpuUs.median,
              least: cpuUs.least,
              most: cpuUs.most,
              kind: who,
            },
          ],
    ),
  );
}

function draw(name: string, title: string, unit: string, bars: readonly Bar[]): void {
  writeFileSync(new URL(`../../docs/plots/${name}.svg`, import.meta.url), barChart(title, unit, bars));
}

const fanOuts = resultsOf('fan-out').filter(({ figures }) => figures.some(({ who }) => who === 'limit'));
draw('fan-out', 'Processor time of a delivery', 'µs', cpuBars(fanOuts));
draw('streams', 'Processor time of a message to a stream', 'µs', cpuBars(resultsOf('streams')));
const page = new URL('../../docs/performance.md', import.meta.url);
writeFileSync(page, filledIn(readFileSync(page, 'utf8'), resultsOf));
