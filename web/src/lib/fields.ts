// The fields within a line's text: JSON, or logfmt, as LogQL's `json` and `logfmt` would name them.

import { blank } from './own';

export interface Fields {
  parser: 'json' | 'logfmt' | undefined;
  values: Record<string, string>;
}

const NONE: Fields = { parser: undefined, values: blank() };
const MOST = 200;

export function fields(text: string): Fields {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    try {
      const values = blank<string>();
      flatten(JSON.parse(trimmed) as unknown, '', values);
      return { parser: 'json', values };
    } catch {
      return NONE;
    }
  }
  return logfmt(trimmed);
}

/** Nested names are joined by `_`; what cannot be in a label's name becomes one. Arrays are left out, as Loki does. */
function flatten(value: unknown, prefix: string, into: Record<string, string>): void {
  if (Object.keys(into).length >= MOST || Array.isArray(value) || value === null) return;
  if (typeof value === 'object') {
    for (const [name, each] of Object.entries(value)) flatten(each, prefix ? `${prefix}_${clean(name)}` : clean(name), into);
  } else if (prefix) {
    into[prefix] = String(value);
  }
}

const clean = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_');

function logfmt(text: string): Fields {
  const values = blank<string>();
  for (const [, name, quoted, plain] of text.matchAll(/(?:^|\s)([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)) {
    if (Object.keys(values).length >= MOST) break;
    values[clean(name!)] = quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1');
  }
  // One `=` is in many sentences; two make a habit.
  return Object.keys(values).length >= 2 ? { parser: 'logfmt', values } : NONE;
}
