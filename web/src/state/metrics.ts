// What metrics a resource has, of which its board is made.

import { signal } from '@preact/signals';
import { isRefusal } from '../api/refusal';
import { labels, metadata, names, type Where } from '../api/metrics';
import { countsRequests, type Meta } from '../lib/metrics/board';
import { span, type Span } from '../lib/time';
import { inTurn } from './panel';

export interface Known {
  status: 'idle' | 'loading' | 'ready' | 'failed';
  /** Of which range of which resource. */
  of: string;
  names: string[];
  meta: Record<string, Meta>;
  labels: Record<string, string[]>;
  error?: unknown;
  since: number;
}

const NONE: Known = { status: 'idle', of: '', names: [], meta: {}, labels: {}, since: 0 };
export const known = signal<Known>(NONE);
let running: AbortController | undefined;

/** How many metrics are asked for their labels. */
const FEW = 8;

export function stop(): void {
  running?.abort();
  running = undefined;
  if (known.value.status === 'loading') known.value = NONE;
}

/** Learns the names. What is shown for the same resource stays until more is known. */
export async function learn(where: Where, from: string, to: string): Promise<void> {
  const of = JSON.stringify([where.project, where.resource]);
  stop();
  const range = span(from, to, Date.now());
  if (!range) return;
  const { signal } = (running = new AbortController());
  if (known.value.of !== of || known.value.status !== 'ready') known.value = { ...NONE, of, status: 'loading', since: Date.now() };
  try {
    // A board without metadata is poorer, and better than none.
    const [found, meta] = await Promise.all([names(where, range, signal), metadata(where, signal).catch(() => ({}))]);
    const told = await tell(where, found.filter(countsRequests).slice(0, FEW), range, signal);
    if (!signal.aborted) known.value = { ...NONE, of, status: 'ready', names: found, meta, labels: told };
  } catch (error) {
    if (signal.aborted) return;
    // A board that is there stays: each of its charts says what it was not told.
    if (known.value.status === 'ready' && !isRefusal(error)) return;
    known.value = { ...NONE, of, status: 'failed', error };
  }
}

async function tell(where: Where, metrics: readonly string[], range: Span, signal: AbortSignal): Promise<Record<string, string[]>> {
  const found = await Promise.all(metrics.map(async (metric) => [metric, await inTurn(() => labels(where, metric, range, signal), signal).catch(() => [])] as const));
  return Object.fromEntries(found);
}
