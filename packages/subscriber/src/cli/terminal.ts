/** Results: what another program may read. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** News for whoever watches; never part of the results. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Text of strangers without what could move a terminal's cursor, change its colours or title. */
export function harmless(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** Columns as wide as their longest cell, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
