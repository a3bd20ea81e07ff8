// How many lines there were, by level and over time, from the answer to a `volume` query.

import { level, LEVELS, type Level } from './levels';
import type { Span } from './time';

export interface Series {
  metric: Record<string, string>;
  values: [seconds: number, value: string][];
}

export interface Histogram {
  /** The beginning of each bar, in Unix seconds. */
  times: number[];
  /** Seconds that a bar stands for. */
  step: number;
  /** The counts of each level that occurs, the gravest first. */
  levels: { level: Level; counts: number[]; total: number }[];
  total: number;
}

/** The steps that cover a range: `start` and `end` are where the first and the last are evaluated. */
export function steps({ start, end }: Span, step: number): { start: number; end: number } {
  const first = Math.floor(start / 1000 / step) + 1;
  const last = Math.max(first, Math.ceil(end / 1000 / step));
  return { start: first * step, end: last * step };
}

export function histogram(series: readonly Series[], at: { start: number; end: number }, step: number): Histogram {
  const length = Math.round((at.end - at.start) / step) + 1;
  const times = Array.from({ length }, (_, index) => at.start + (index - 1) * step);
  const counts = new Map<Level, number[]>();
  for (const { metric, values } of series) {
    const found = level(metric['level'] ?? metric['detected_level']);
    const sums = counts.get(found) ?? new Array<number>(length).fill(0);
    counts.set(found, sums);
    for (const [seconds, value] of values) {
      const index = Math.round((seconds - at.start) / step);
      if (index >= 0 && index < length) sums[index]! += Number(value) || 0;
    }
  }
  const levels = LEVELS.filter((each) => counts.has(each)).map((each) => {
    const sums = counts.get(each)!;
    return { level: each, counts: sums, total: sums.reduce((sum, value) => sum + value, 0) };
  });
  return { times, step, levels, total: levels.reduce((sum, { total }) => sum + total, 0) };
}

/** A run of bars: where it began, and where it has got to. */
export interface Run {
  anchor: number;
  head: number;
}

/** What a key makes of a run of bars: arrows go on, with Shift they widen it. Other keys are not its own. */
export function moved({ anchor, head }: Run, key: string, wide: boolean, bars: number): Run | undefined {
  const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -bars, End: bars };
  const step = steps[key];
  if (step === undefined) return undefined;
  const next = Math.max(0, Math.min(bars - 1, head + step));
  return { anchor: wide ? anchor : next, head: next };
}

/** The bars of a run: the first, and the one behind the last. */
export const ends = ({ anchor, head }: Run): [number, number] => [Math.min(anchor, head), Math.max(anchor, head) + 1];

/** How many lines of each level there are in a run of bars, in words. */
export function tally({ levels }: Histogram, [first, behind]: readonly [number, number]): string[] {
  const rows = levels.flatMap(({ level, counts }) => {
    const sum = counts.slice(first, behind).reduce((all, each) => all + each, 0);
    return sum ? [`${level} ${sum.toLocaleString('en')}`] : [];
  });
  return rows.length ? rows : ['no lines'];
}

/** Each level's counts with those of all graver ones below them, as stacked bars are drawn. */
export function stacked({ levels, times }: Histogram): number[][] {
  const sums = new Array<number>(times.length).fill(0);
  return levels.map(({ counts }) => counts.map((value, index) => (sums[index]! += value)));
}
