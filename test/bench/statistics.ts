/** Several values of one thing. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Undefined where there is no value. */
export function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const sorted = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  const [least, most, upper] = [sorted[0], sorted.at(-1), sorted[sorted.length >> 1]];
  if (least === undefined || most === undefined || upper === undefined) return undefined;
  const lower = sorted[(sorted.length - 1) >> 1] ?? upper;
  return { median: (lower + upper) / 2, least, most };
}

/** A point through which a line is to go. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line's slope. */
export interface Slope {
  readonly slope: number;
  /** Of the slope; not a number below three points. It takes what is left over the line for independent. */
  readonly standardError: number;
}

/** The slope of the straight line with the least squares. Not a number below two points. */
export function slopeOf(points: readonly Point[]): Slope {
  const mean = (read: (point: Point) => number) => points.reduce((sum, point) => sum + read(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const sum = (read: (dx: number, dy: number) => number) =>
    points.reduce((total, point) => total + read(point.x - x, point.y - y), 0);
  const squares = sum((dx) => dx * dx);
  const slope = sum((dx, dy) => dx * dy) / squares;
  const left = sum((dx, dy) => (dy - slope * dx) ** 2);
  return { slope, standardError: points.length < 3 ? Number.NaN : Math.sqrt(left / (points.length - 2) / squares) };
}

/** Three digits or more. */
export function shown(value: number | undefined): string {
  if (value === undefined) return '';
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2);
}

/** How many times `base` a value is; empty where one of them is not there. */
export function ratio(value: number | undefined, base: number | undefined): string {
  return value === undefined || base === undefined || base === 0 ? '' : (value / base).toFixed(2);
}

/** A table in Markdown; the first column is text, the others numbers. */
export function tableOf(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const format = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [heads, heads.map((_, i) => (i === 0 ? '---' : '---:')), ...lines].map(format).join('\n');
}
