// A resource's logs.

import { steps, type Series } from '../lib/histogram';
import { lines, type Line, type Stream } from '../lib/lines';
import type { Span } from '../lib/time';
import { get, resourcePath } from './request';

export interface Asked {
  project: string;
  resource: string;
  query: string;
}

/** Has labels, structured metadata and what the query parsed told apart. */
export const CATEGORIES = { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' };

interface Answer {
  data: { resultType: string; result: unknown[] };
  /** What the backend left out or could not do. */
  warnings?: string[];
}

export interface Found {
  lines: Line[];
  warnings: string[];
}

/** Times are in Unix nanoseconds, in digits, so that a page begins exactly where the one before ended. */
export interface Page {
  start: string;
  end: string;
  limit: number;
  direction?: 'forward' | 'backward';
}

export const nanos = (ms: number): string => `${Math.round(ms)}000000`;

export async function logs(asked: Asked, page: Page, signal?: AbortSignal): Promise<Found> {
  const { data, warnings } = await get<Answer>(`${resourcePath(asked.project, asked.resource)}/logs`, {
    params: { query: asked.query.trim() || undefined, ...page },
    headers: CATEGORIES,
    signal,
  });
  if (data.resultType !== 'streams') {
    throw new Error('This query computes numbers, not lines: ask it among the metrics, or take a stream selector here.');
  }
  return { lines: lines(data.result as Stream[]), warnings: warnings ?? [] };
}

/** How many lines there are, over time; `query` is one by `volume`. */
export async function counts(asked: Asked, range: Span, step: number, signal?: AbortSignal): Promise<Series[]> {
  const { data } = await get<Answer>(`${resourcePath(asked.project, asked.resource)}/loki/api/v1/query_range`, {
    params: { query: asked.query, ...steps(range, step), step },
    signal,
  });
  return data.result as Series[];
}
