import type { Row } from './rows.ts';

/** The table as text, one line a client, and below it what is not as it should be. */
export function reportRows(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.client,
    row.about,
    String(row.outcome.status ?? '–'),
    row.outcome.verdict,
    reasonCell(row),
    headerCell(row),
    row.differences.length === 0 ? 'yes' : 'NO',
  ]);
  const all = [headings, ...cells];
  const widths = headings.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const lines = all.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '─'.repeat(width)).join('  '));
  const wrong = rows.filter(({ differences }) => differences.length > 0);
  if (wrong.length > 0) lines.push('', 'Not as it should be:');
  for (const { client, differences } of wrong) lines.push(`  ${client}: ${differences.join('; ')}`);
  return `${lines.join('\n')}\n`;
}

function reasonCell({ outcome, detail }: Row): string {
  if (outcome.reason === null) return detail === '' ? '–' : detail;
  return detail === '' ? outcome.reason : `${outcome.reason} (${shorten(detail, 72)})`;
}

function headerCell({ outcome, headerValue }: Row): string {
  if (outcome.requests === 0) return '– (nothing arrived)';
  switch (outcome.header) {
    case 'certificate':
      return `its certificate, ${headerValue?.length ?? 0} characters`;
    case 'absent':
      return 'none';
    default:
      return `not its certificate: ${shorten(headerValue ?? '', 24)}`;
  }
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

const headings = ['client', 'what it is', 'HTTP', 'verdict', 'reason', 'X-Client-Cert received', 'as it should be'];
