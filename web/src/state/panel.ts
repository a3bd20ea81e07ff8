// The series of one chart. Each chart has its own; all of them ask a few at a time.

import { signal, type Signal } from '@preact/signals';
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

const NONE: Series = { status: 'idle', failures: [], warnings: [], since: 0 };

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
    state.value = { ...state.value, status: 'loading', since: Date.now() };
    const times = grid(range, step(range, points));
    const asked = await Promise.allSettled(queries.map(({ query }) => inTurn(() => series(where, language, query, times, signal), signal)));
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
    const status = answers.length ? 'ready' : 'failed';
    state.value = { ...NONE, status, failures, warnings: [...new Set(warnings)], ...(answers.length ? { data: align(answers, times, { called }) } : {}) };
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
