// The answers to range queries, put side by side on one grid of times.

import { own } from '../own';
import type { Span } from '../time';
import { metricsOf } from './units';

/** A series as the API gives it. */
export interface Given {
  metric: Record<string, string>;
  values?: [seconds: number, value: string][];
  /** Native histograms, which are no numbers. */
  histograms?: unknown[];
}

/** When a range is evaluated, in Unix seconds. */
export interface Grid {
  start: number;
  end: number;
  step: number;
}

export interface Line {
  /** What it is called among the others. */
  name: string;
  labels: Record<string, string>;
  /** Which query it answers. */
  query: number;
  /** A value for each time; null where there is none. NaN and infinities are as they came. */
  values: (number | null)[];
  last: number | null;
  min: number | null;
  max: number | null;
}

export interface Aligned {
  times: number[];
  /** Seconds from one time to the next. */
  step: number;
  lines: Line[];
  /** How many series there were, of which `lines` are those that are kept. */
  total: number;
  /** Series that were native histograms. */
  histograms: number;
  /** How many values are NaN or infinite. */
  odd: number;
}

/** The most series that are drawn: more cannot be told apart, and make browsers slow. */
export const MOST = 50;

/** A grid on multiples of its step, so that what is asked again a moment later is asked of the same times. */
export function grid({ start, end }: Span, step: number): Grid {
  const last = Math.floor(end / 1000 / step) * step;
  return { start: Math.min(last, Math.ceil(start / 1000 / step) * step), end: last, step };
}

/** How many points a chart of so many pixels has room for; in coarse steps, so that a resize asks seldom. */
export const room = (width: number): number => Math.min(480, Math.max(60, Math.round(width / 4 / 60) * 60));

/** The answers of each query on one grid. Beyond `most` series, those with the greatest values are kept; one that
 * is alone and without labels is named as it is `called`. */
export function align(answers: readonly { query: string; index: number; series: readonly Given[] }[], { start, end, step }: Grid, { most = MOST, called }: { most?: number; called?: string | undefined } = {}): Aligned {
  const length = Math.max(1, Math.round((end - start) / step) + 1);
  const times = Array.from({ length }, (_, index) => start + index * step);
  let histograms = 0;
  let odd = 0;
  const all: Line[] = [];
  for (const { index: query, series } of answers) {
    for (const { metric, values, histograms: native } of series) {
      if (!values?.length) {
        if (native?.length) histograms += 1;
        continue;
      }
      const row = new Array<number | null>(length).fill(null);
      for (const [seconds, text] of values) {
        const at = Math.round((seconds - start) / step);
        if (at >= 0 && at < length) row[at] = number(text);
      }
      odd += row.filter((value) => value !== null && !Number.isFinite(value)).length;
      all.push({ name: '', labels: metric, query, values: row, ...extremes(row) });
    }
  }
  const total = all.length;
  const kept = total > most ? new Set([...all].sort((one, other) => size(other) - size(one)).slice(0, most)) : undefined;
  const lines = kept ? all.filter((line) => kept.has(line)) : all;
  name(lines, new Map(answers.map(({ index, query }) => [index, query])));
  const [first] = lines;
  if (called && first && lines.length === 1 && !Object.keys(first.labels).some((label) => label !== 'resource_id')) first.name = called;
  return { times, step, lines, total, histograms, odd };
}

const number = (text: string): number => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));
const size = ({ max, min }: Line): number => Math.max(Math.abs(max ?? 0), Math.abs(min ?? 0));

/** Last, least and greatest of what is a number; what is not finite counts as last alone. */
function extremes(values: readonly (number | null)[]): Pick<Line, 'last' | 'min' | 'max'> {
  let min: number | null = null;
  let max: number | null = null;
  let last: number | null = null;
  for (const value of values) {
    if (value === null) continue;
    last = value;
    if (!Number.isFinite(value)) continue;
    if (min === null || value < min) min = value;
    if (max === null || value > max) max = value;
  }
  return { last, min, max };
}

/** Names lines by what tells them apart, and by their query where labels do not. */
function name(lines: readonly Line[], queries: ReadonlyMap<number, string>): void {
  const keys = [...new Set(lines.flatMap(({ labels }) => Object.keys(labels)))].filter((key) => key !== 'resource_id');
  const differing = keys.filter((key) => lines.length > 1 && new Set(lines.map(({ labels }) => own(labels, key) ?? '')).size > 1);
  for (const line of lines) {
    const { __name__: metric = '', ...rest } = line.labels;
    const shown = differing.filter((key) => key !== '__name__' && own(rest, key) !== undefined);
    const parts = shown.map((key) => (shown.length === 1 && differing.length === 1 ? rest[key]! : `${key}=${rest[key]}`));
    if (differing.includes('__name__') && metric) parts.unshift(metric);
    line.name = parts.join(', ') || fallback(metric, rest, queries.get(line.query) ?? '');
  }
  // Two queries may well answer with the same labels.
  const seen = new Map<string, Set<number>>();
  for (const { name, query } of lines) seen.set(name, (seen.get(name) ?? new Set()).add(query));
  for (const line of lines) {
    if (seen.get(line.name)!.size < 2) continue;
    const alias = quantile(queries.get(line.query) ?? '');
    line.name = alias ? `${alias} ${line.name}` : `${letter(line.query)} · ${line.name}`;
  }
}

function fallback(metric: string, labels: Record<string, string>, query: string): string {
  const { resource_id: _, ...own } = labels;
  const values = Object.values(own);
  const read = metricsOf(query);
  return quantile(query) ?? (metric || (values.length === 1 ? values[0]! : read.length === 1 && !/[-+*/%^]/.test(query.replace(/\{[^}]*\}|\[[^\]]*\]/g, '')) ? read[0]! : query));
}

/** `p95` for a query that is a quantile. */
function quantile(query: string): string | undefined {
  const found = /^\s*histogram_quantile\(\s*(0?\.\d+|1)\s*,/.exec(query)?.[1];
  return found === undefined ? undefined : `p${Number((Number(found) * 100).toFixed(3))}`;
}

/** What a query is called beside its field: A, B, … */
export const letter = (index: number): string => String.fromCharCode(65 + (index % 26)) + (index < 26 ? '' : Math.floor(index / 26));
