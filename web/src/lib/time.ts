// Ranges of time, as the URL and people write them: `now-1h`, an ISO date, or Unix milliseconds.

const UNITS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3 };

/** A range in Unix milliseconds. */
export interface Span {
  start: number;
  end: number;
}

export const QUICK: readonly [from: string, label: string][] = [
  ['now-5m', 'Last 5 minutes'],
  ['now-15m', 'Last 15 minutes'],
  ['now-30m', 'Last 30 minutes'],
  ['now-1h', 'Last hour'],
  ['now-3h', 'Last 3 hours'],
  ['now-6h', 'Last 6 hours'],
  ['now-12h', 'Last 12 hours'],
  ['now-24h', 'Last 24 hours'],
  ['now-2d', 'Last 2 days'],
  ['now-7d', 'Last 7 days'],
];

/** A duration such as `90m` or `1h30m`, in milliseconds; undefined where it is none. */
export function duration(text: string): number | undefined {
  if (!/^(\d+[smhdw])+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdw])/g)) sum += Number(count) * (UNITS[unit!] ?? 0);
  return sum;
}

/** A point in time; undefined where the text is none. Without an offset it is of the zone, the date alone as well. */
export function point(text: string, now: number, zone: Zone = 'local'): number | undefined {
  const trimmed = text.trim();
  if (trimmed === 'now') return now;
  const relative = /^now\s*-\s*(\S+)$/.exec(trimmed);
  if (relative) {
    const back = duration(relative[1]!);
    return back === undefined ? undefined : now - back;
  }
  if (/^\d{12,14}$/.test(trimmed)) return Number(trimmed);
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[T ]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(trimmed);
  if (!parts) return undefined;
  const [, day = '', time = '00:00', offset = zone === 'utc' ? 'Z' : ''] = parts;
  const written = `${day}T${time.padStart(time.indexOf(':') === 1 ? time.length + 1 : 0, '0')}${offset.toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2')}`;
  const parsed = Date.parse(written);
  // There is no 31st of February, whatever engines make of it.
  return Number.isNaN(parsed) || new Date(`${day}T00:00Z`).getUTCDate() !== Number(day.slice(8)) ? undefined : parsed;
}

/** The range between two points; undefined where one is none or they are the wrong way round. */
export function span(from: string, to: string, now: number): Span | undefined {
  const start = point(from, now);
  const end = point(to, now);
  return start !== undefined && end !== undefined && start < end ? { start, end } : undefined;
}

/** Whether a range moves with the clock. */
export const isRelative = (from: string, to: string): boolean => `${from}${to}`.includes('now');

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

/** A round step in seconds that divides a range into at most `most` parts. */
export function step({ start, end }: Span, most: number): number {
  const least = (end - start) / 1000 / most;
  return STEPS.find((each) => each >= least) ?? Math.ceil(least / 86400) * 86400;
}

export type Zone = 'local' | 'utc';

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** Date and time to the millisecond, which is what a line of a log is shown with. */
export function stamp(ms: number, zone: Zone): string {
  const at = inZone(ms, zone);
  return `${day(at)} ${clock(at)}.${pad(at.getUTCMilliseconds(), 3)}`;
}

/** Date and time to the second. */
export function moment(ms: number, zone: Zone): string {
  const at = inZone(ms, zone);
  return `${day(at)} ${clock(at)}`;
}

/** What people call a range. */
export function name(from: string, to: string, zone: Zone, now: number): string {
  const quick = to === 'now' ? QUICK.find(([known]) => known === from) : undefined;
  if (quick) return quick[1];
  const part = (text: string): string => {
    const at = point(text, now);
    return text.includes('now') || at === undefined ? text : moment(at, zone);
  };
  const [begin, end] = [part(from), part(to)];
  // The same day is not said twice.
  const isOneDay = /^\d{4}-/.test(begin) && begin.slice(0, 11) === end.slice(0, 11);
  return `${begin} to ${isOneDay ? end.slice(11) : end}`;
}

const day = (at: Date): string => `${at.getUTCFullYear()}-${pad(at.getUTCMonth() + 1)}-${pad(at.getUTCDate())}`;
const clock = (at: Date): string => `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())}`;

/** A date whose UTC fields are those of the zone. */
function inZone(ms: number, zone: Zone): Date {
  return zone === 'utc' ? new Date(ms) : new Date(ms - new Date(ms).getTimezoneOffset() * 60e3);
}
