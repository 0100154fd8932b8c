/**
 * The OpenMetrics 1.0 form of Prometheus text 0.0.4 as prom-client writes it: counter families without `_total`, no
 * empty lines, quotes escaped in help, `# EOF` last. prom-client's own OpenMetrics mode is not used because it renames
 * a registry's counters for good, so that every later scrape in the other form gets wrong names.
 */
export function toOpenMetrics(prometheusText: string): string {
  const lines = prometheusText.split('\n').filter((line) => line !== '');
  const counters = new Set(
    lines.map((line) => /^# TYPE (\S+)_total counter$/.exec(line)?.[1]).filter((name) => name !== undefined),
  );
  return `${[...lines.map((line) => toOpenMetricsLine(line, counters)), '# EOF'].join('\n')}\n`;
}

function toOpenMetricsLine(line: string, counters: ReadonlySet<string>): string {
  const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? [];
  if (keyword === undefined || name === undefined || rest === undefined) return line;
  const stem = name.endsWith('_total') ? name.slice(0, -'_total'.length) : name;
  const family = counters.has(stem) ? stem : name;
  if (keyword === 'HELP') return `# HELP ${family} ${rest.replaceAll('"', '\\"')}`;
  return `# TYPE ${family} ${rest === 'untyped' ? 'unknown' : rest}`;
}
