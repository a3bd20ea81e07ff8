// What a file of lines is called: of what they are, and of which time, in UTC.

import type { Line } from './lines';
import type { Span } from './time';

export function filename(project: string, resource: string, lines: readonly Line[], range: Span | undefined, ending: string): string {
  // Lines that came by themselves are of no range but their own; the newest is the first.
  const ends = range ? [range.start, range.end] : [lines.at(-1)?.ms, lines[0]?.ms].filter((ms) => ms !== undefined);
  const times = ends.map((ms) => new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '') + 'Z');
  return `${[project, resource, ...times].join('_').replace(/[^\w.-]/g, '-')}.${ending}`;
}
