import type { Row } from './rows.ts';

/** The table as text, one line a client; below it the words of every refusal, and what is not as it should be. */
export function reportRows(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.client,
    row.about,
    String(row.outcome.status ?? '–'),
    row.outcome.verdict,
    row.outcome.reason ?? '–',
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
  const told = rows.filter(({ detail }) => detail !== '');
  if (told.length > 0) lines.push('', 'In their words:');
  for (const { client, detail } of told) lines.push(`  ${client.padEnd(widths[0] ?? 0)}  ${detail}`);
  const wrong = rows.filter(({ differences }) => differences.length > 0);
  if (wrong.length > 0) lines.push('', 'Not as it should be:');
  for (const { client, differences } of wrong) lines.push(`  ${client}: ${differences.join('; ')}`);
  return `${lines.join('\n')}\n`;
}

function headerCell({ outcome }: Row): string {
  if (outcome.requests === 0) return 'nothing arrived';
  switch (outcome.header) {
    case 'certificate':
      return 'its certificate';
    case 'absent':
      return 'none';
    default:
      return 'not its certificate';
  }
}

const headings = ['client', 'what it is', 'HTTP', 'verdict', 'reason', 'X-Client-Cert', 'right'];
