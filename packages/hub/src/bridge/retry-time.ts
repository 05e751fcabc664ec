import type { Random } from '@websub/shared';

/** From when on, and how long, a time is drawn by chance. */
export interface Spread {
  readonly least: number;
  readonly spread: number;
}

/** A time at which a client shall come back; spread, so that not all come at once. */
export function retryMs(random: Random, { least, spread }: Spread): number {
  return Math.floor(least + random.fraction() * spread);
}
