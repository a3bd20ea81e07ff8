// The lines that are shown, and how many there were.

import { signal } from '@preact/signals';
import { counts, logs, nanos, type Asked } from '../api/logs';
import { isRefusal } from '../api/refusal';
import { key } from '../lib/history';
import { histogram, steps, type Histogram } from '../lib/histogram';
import { newestFirst, type Line } from '../lib/lines';
import { volume } from '../lib/logql';
import type { Place } from '../lib/place';
import { span, step, type Span } from '../lib/time';
import { keep } from './history';

export interface Logs {
  status: 'idle' | 'loading' | 'ready' | 'failed';
  lines: Line[];
  range: Span | undefined;
  /** Whether the range holds more lines than these. */
  more: boolean;
  warnings: string[];
  error?: unknown;
  /** What the lines are of, and when they came, in Unix milliseconds: they stay while the same is asked again. */
  of: string;
  at: number;
  /** When the request began, by which one tells that it is slow. */
  since: number;
}

const NONE: Logs = { status: 'idle', lines: [], range: undefined, more: false, warnings: [], of: '', at: 0, since: 0 };
export const found = signal<Logs>(NONE);
export const volumes = signal<{ status: 'idle' | 'loading' | 'ready' | 'failed'; data?: Histogram; of?: string; error?: unknown }>({ status: 'idle' });

const BARS = 120;
let running: AbortController | undefined;

/** Ends what is on its way, and keeps what is shown. */
export function stop(): void {
  running?.abort();
  running = undefined;
  if (found.value.status === 'loading') found.value = { ...found.value, status: found.value.at ? 'ready' : 'idle' };
}

/** Asks for what the place shows. What was asked before and is not answered yet is not waited for. */
export async function run({ project, resource, query, from, to, limit }: Place): Promise<void> {
  stop();
  const range = span(from, to, Date.now());
  if (!project || !resource || !range) {
    found.value = NONE;
    volumes.value = { status: 'idle' };
    return;
  }
  const { signal } = (running = new AbortController());
  const asked = { project, resource, query };
  const of = JSON.stringify([project, resource, query, from, to]);
  const isSame = found.value.of.startsWith(`${JSON.stringify([project, resource]).slice(0, -1)},`);
  // Lines of another resource are not shown under this one's name.
  const before = isSame ? found.value : NONE;
  if (!isSame) volumes.value = { status: 'idle' };
  found.value = { ...before, status: 'loading', since: Date.now() };
  const counted = count(asked, of, range, signal);
  try {
    const page = { start: nanos(range.start), end: nanos(range.end), limit };
    const { lines, warnings } = await logs(asked, page, signal);
    found.value = { ...NONE, status: 'ready', lines, range, of, at: Date.now(), warnings, more: lines.length >= limit };
    keep(key(project, resource, 'logql'), query);
  } catch (error) {
    if (signal.aborted) return;
    // Whoever may not see it any more does not; and lines of something else are no answer to this.
    const stays = before.at > 0 && before.of === of && !isRefusal(error);
    found.value = stays ? { ...before, status: 'failed', error } : { ...NONE, status: 'failed', range, error };
    if (isRefusal(error)) volumes.value = { status: 'idle' };
  }
  await counted;
}

async function count(asked: Asked, of: string, range: Span, signal: AbortSignal): Promise<void> {
  const seconds = step(range, BARS);
  const query = volume(asked.query, seconds);
  if (query === undefined) {
    volumes.value = { status: 'idle' };
    return;
  }
  const before = volumes.value;
  volumes.value = { ...before, status: 'loading' };
  try {
    const series = await counts({ ...asked, query }, range, seconds, signal);
    volumes.value = { status: 'ready', of, data: histogram(series, steps(range, seconds), seconds) };
  } catch (error) {
    // The list says what is wrong, and says it better.
    if (signal.aborted) return;
    const stays = before.of === of && !isRefusal(error);
    volumes.value = { status: 'failed', error, ...(stays && before.data ? { data: before.data, of } : {}) };
  }
}

/** The page of lines before the oldest that is shown. */
export async function older({ project, resource, query, limit }: Place): Promise<void> {
  const { lines, range, status } = found.value;
  const oldest = lines.at(-1);
  if (!oldest || !range || status !== 'ready') return;
  const { signal } = (running = new AbortController());
  found.value = { ...found.value, status: 'loading', since: Date.now() };
  try {
    const page = { start: nanos(range.start), end: oldest.ns, limit };
    const next = await logs({ project, resource, query }, page, signal);
    const all = [...lines, ...next.lines].sort(newestFirst);
    found.value = { ...found.value, status: 'ready', lines: all, more: next.lines.length >= limit, error: undefined };
  } catch (error) {
    if (!signal.aborted) found.value = { ...found.value, status: 'ready', error };
  }
}
