import { level, LEVEL_LABELS } from '../levels';
import { COLOURS } from './draw';

/**
 * The colours of series, as the style sheet names them: those of their levels where levels alone tell them apart, as
 * the histogram of lines has them, and otherwise one after the other.
 */
export function shades(series: readonly { labels: Readonly<Record<string, string>> }[]): string[] {
  const levels = series.map(({ labels }) => {
    const [name, ...others] = Object.keys(labels).filter((each) => each !== 'resource_id');
    return others.length || !LEVEL_LABELS.some((each) => each === name) ? 'unknown' : level(labels[name!]);
  });
  const isByLevel = !levels.includes('unknown') && new Set(levels).size === levels.length;
  return isByLevel ? levels : series.map((_, index) => `series-${index % COLOURS}`);
}
