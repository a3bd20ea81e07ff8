// What the API answers about logs, as lines.

import { fields } from './fields';
import { levelOf, type Level } from './levels';

export interface Line {
  /** Different for each line of an answer, and the same for the same line in another one. */
  key: string;
  /** Unix nanoseconds, in digits. */
  ns: string;
  ms: number;
  text: string;
  level: Level;
  /** The stream's labels, which indexes know. */
  labels: Record<string, string>;
  /** What came with the line beside its text. */
  metadata: Record<string, string>;
  /** What the query took from the text. */
  parsed: Record<string, string>;
}

type Extra = { structuredMetadata?: Record<string, string>; parsed?: Record<string, string> };
export interface Stream {
  stream: Record<string, string>;
  values: [ns: string, text: string, extra?: Extra][];
}

/** The lines of streams, the newest first. */
export function lines(streams: readonly Stream[]): Line[] {
  const found: Line[] = [];
  const times = new Map<string, number>();
  for (const { stream, values } of streams) {
    const seed = hash(JSON.stringify(stream));
    for (const [ns, text, extra] of values) {
      const key = `${ns}/${hash(text, seed).toString(36)}`;
      const before = times.get(key) ?? 0;
      times.set(key, before + 1);
      found.push(line(stream, ns, text, before ? `${key}/${before}` : key, extra));
    }
  }
  return found.sort(newestFirst);
}

function line(labels: Record<string, string>, ns: string, text: string, key: string, extra: Extra = {}): Line {
  const metadata = extra.structuredMetadata ?? {};
  const parsed = extra.parsed ?? {};
  let level = levelOf(parsed, labels, metadata);
  if (level === 'unknown') level = levelOf(fields(text).values);
  return { key, ns, ms: Number(ns.slice(0, -6)), text, level, labels, metadata, parsed };
}

/** FNV-1a, of 32 bits: enough to tell lines of one nanosecond apart. */
function hash(text: string, seed = 0x811c9dc5): number {
  let sum = seed;
  for (let at = 0; at < text.length; at += 1) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  return sum >>> 0;
}

/** Nanoseconds are compared as digits: they are more than a number holds. */
export function newestFirst(one: Line, other: Line): number {
  if (one.ns.length !== other.ns.length) return other.ns.length - one.ns.length;
  return one.ns < other.ns ? 1 : one.ns > other.ns ? -1 : 0;
}
