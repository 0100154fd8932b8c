import { parse } from 'yaml';
import { z } from 'zod';
import { readSource } from '../support/source-files.ts';

/** An alert of files/prometheus-rules.yaml. */
export type Alert = z.output<typeof alert>;

const alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string(),
  labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook_url: z.url() }),
});

const panel = z.looseObject({
  id: z.int(),
  title: z.string().min(1),
  type: z.enum(['row', 'stat', 'timeseries']),
  description: z.string().optional(),
  gridPos: z.strictObject({ h: z.int(), w: z.int().max(24), x: z.int(), y: z.int() }),
  targets: z.array(z.looseObject({ expr: z.string() })).optional(),
});

const dashboardFile = z.looseObject({
  uid: z.string().min(1),
  title: z.string().min(1),
  panels: z.array(panel),
  templating: z.strictObject({ list: z.array(z.looseObject({ name: z.string(), query: z.unknown() })) }),
});

/** A query with where it is. */
export interface Query {
  readonly place: string;
  readonly expr: string;
}

/** The alerts, in their order. @throws ZodError where one lacks something. */
export function alerts(): readonly Alert[] {
  const file = z.strictObject({ groups: z.array(z.strictObject({ name: z.string(), rules: z.array(alert) })) });
  return file
    .parse(parse(readSource('charts/lychgate/files/prometheus-rules.yaml')))
    .groups.flatMap(({ rules }) => rules);
}

/** The dashboard. @throws ZodError where a panel lacks something. */
export function dashboard(): z.output<typeof dashboardFile> {
  return dashboardFile.parse(JSON.parse(readSource('charts/lychgate/dashboards/lychgate.json')));
}

/** Every query of the alerts and of the dashboard; Grafana's variables have values in them. */
export function queries(): readonly Query[] {
  return [
    ...alerts().map(({ alert: name, expr }) => ({ place: name, expr })),
    ...dashboard().panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({
        place: `panel ${title}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(namespace|profile)/g, '.*'),
      })),
    ),
  ];
}

/** The metrics that a query names. */
export function metricsOf(expr: string): readonly string[] {
  const withoutStrings = expr.replaceAll(/"[^"]*"/g, '""');
  const withoutLabels = withoutStrings
    .replaceAll(/\b(by|on|ignoring|without)\s*\([^)]*\)/g, '')
    .replaceAll(/\{[^}]*\}/g, '');
  return [...new Set(withoutLabels.match(/\b(lychgate|process)_[a-z0-9_]+\b/g) ?? [])];
}
