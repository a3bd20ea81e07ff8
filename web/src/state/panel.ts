// The series of one chart. Each chart has its own; all of them ask a few at a time.

import { signal, type Signal } from '@preact/signals';
import { isRefusal } from '../api/refusal';
import { series, type Language, type Where } from '../api/metrics';
import { align, grid, type Aligned } from '../lib/metrics/series';
import { span, step } from '../lib/time';

export interface Query {
  /** Its place in the list of queries. */
  index: number;
  query: string;
}

export interface Failure {
  index: number;
  error: unknown;
}

export interface Series {
  status: 'idle' | 'loading' | 'ready' | 'failed';
  data?: Aligned;
  failures: Failure[];
  warnings: string[];
  /** What the data are of, and when they came, in Unix milliseconds: they stay while the same is asked again. */
  of: string;
  at: number;
  /** Whether they are of before, since there was no answer since. */
  stale: boolean;
  /** When the request began, by which one tells that it is slow. */
  since: number;
}

export interface Asking extends Where {
  language: Language;
  queries: readonly Query[];
  from: string;
  to: string;
  /** How many points there is room for. */
  points: number;
  /** What a series is called that is the only one and has no labels. */
  called: string | undefined;
}

export interface Panel {
  state: Signal<Series>;
  run: (asking: Asking) => Promise<void>;
  stop: () => void;
}

const NONE: Series = { status: 'idle', failures: [], warnings: [], of: '', at: 0, stale: false, since: 0 };

let asking = 0;
/** Whether any of them asks. */
export const underway = (): boolean => asking > 0;

export function panel(): Panel {
  const state = signal<Series>(NONE);
  let running: AbortController | undefined;
  const stop = (): void => {
    running?.abort();
    running = undefined;
    if (state.value.status === 'loading') state.value = { ...state.value, status: state.value.data ? 'ready' : 'idle' };
  };
  const run = async ({ queries, from, to, points, language, called, ...where }: Asking): Promise<void> => {
    stop();
    const range = span(from, to, Date.now());
    if (!range || !queries.length) {
      state.value = NONE;
      return;
    }
    const { signal } = (running = new AbortController());
    const of = JSON.stringify([where, language, queries, from, to]);
    const before = state.value;
    state.value = { ...before, status: 'loading', since: Date.now() };
    const times = grid(range, step(range, points));
    asking += 1;
    const asked = await Promise.allSettled(queries.map(({ query }) => inTurn(() => series(where, language, query, times, signal), signal)));
    asking -= 1;
    if (signal.aborted) return;
    const failures: Failure[] = [];
    const warnings: string[] = [];
    const answers = asked.flatMap((answer, at) => {
      const { index, query } = queries[at]!;
      if (answer.status === 'rejected') {
        failures.push({ index, error: answer.reason });
        return [];
      }
      warnings.push(...answer.value.warnings);
      return [{ index, query, series: answer.value.series }];
    });
    const stays = before.data !== undefined && before.of === of && !failures.some(({ error }) => isRefusal(error));
    if (answers.length) state.value = { ...NONE, status: 'ready', failures, of, at: Date.now(), warnings: [...new Set(warnings)], data: align(answers, times, { called }) };
    else state.value = stays ? { ...before, status: 'failed', stale: true, failures } : { ...NONE, status: 'failed', failures };
  };
  return { state, run, stop };
}

/** How many queries run at a time: a board must not be what a subject's share of the backend is spent on. */
const WIDTH = 4;
let free = WIDTH;
const waiting: (() => void)[] = [];

/** Runs work when there is a place for it. */
export async function inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (free > 0) free -= 1;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  }
}
