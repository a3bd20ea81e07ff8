// The severities of lines, from whatever they are called.

import { own } from './own';

export const LEVELS = ['critical', 'error', 'warn', 'info', 'debug', 'trace', 'unknown'] as const;
export type Level = (typeof LEVELS)[number];

/** Read by a name that whoever logs chose, so it is no object with a prototype. */
const NAMES: ReadonlyMap<string, Level> = new Map<string, Level>(Object.entries({
  emerg: 'critical', emergency: 'critical', alert: 'critical', crit: 'critical', critical: 'critical',
  fatal: 'critical', panic: 'critical',
  err: 'error', error: 'error', eror: 'error', severe: 'error',
  warn: 'warn', warning: 'warn',
  info: 'info', information: 'info', informational: 'info', notice: 'info',
  debug: 'debug', dbug: 'debug',
  trace: 'trace', verbose: 'trace',
}));

/** The level by its name in any case; unknown where it is none. */
export function level(name: string | undefined): Level {
  return NAMES.get(name?.trim().toLowerCase() ?? '') ?? 'unknown';
}

/** Where a line's level may be said, the more exact first. */
export const LEVEL_LABELS = ['level', 'detected_level', 'severity', 'severity_text', 'lvl'] as const;

/** The level that labels or fields tell. */
export function levelOf(...records: Readonly<Record<string, string>>[]): Level {
  for (const record of records) {
    for (const label of LEVEL_LABELS) {
      const found = level(own(record, label));
      if (found !== 'unknown') return found;
    }
  }
  return 'unknown';
}
