// A resource's metrics.

import type { Meta } from '../lib/metrics/board';
import type { Given, Grid } from '../lib/metrics/series';
import type { Span } from '../lib/time';
import { get, resourcePath } from './request';

export type Language = 'promql' | 'logql';

export interface Where {
  project: string;
  resource: string;
}

interface Answer<T> {
  data: T;
  /** What the backend left out or could not do. */
  warnings?: string[];
}

/** A query's series over a range. */
export async function series({ project, resource }: Where, language: Language, query: string, grid: Grid, signal?: AbortSignal): Promise<{ series: Given[]; warnings: string[] }> {
  const path = language === 'promql' ? 'metrics/query_range' : 'loki/api/v1/query_range';
  const { data, warnings } = await get<Answer<{ resultType: string; result: Given[] }>>(`${resourcePath(project, resource)}/${path}`, {
    params: { query, ...grid },
    signal,
  });
  if (data.resultType !== 'matrix') throw new Error('This query gives no numbers over time, so there is nothing to draw.');
  return { series: data.result, warnings: warnings ?? [] };
}

const prometheus = ({ project, resource }: Where, path: string): string => `${resourcePath(project, resource)}/prometheus/api/v1/${path}`;

const seconds = ({ start, end }: Span): Record<string, number> => ({ start: Math.floor(start / 1000), end: Math.ceil(end / 1000) });

/** The names of the metrics that the resource has in a range. */
export async function names(where: Where, range: Span, signal?: AbortSignal): Promise<string[]> {
  return (await get<Answer<string[]>>(prometheus(where, 'label/__name__/values'), { params: seconds(range), signal })).data;
}

/** The names of a metric's labels. */
export async function labels(where: Where, metric: string, range: Span, signal?: AbortSignal): Promise<string[]> {
  const params = { 'match[]': `{__name__=${JSON.stringify(metric)}}`, ...seconds(range) };
  return (await get<Answer<string[]>>(prometheus(where, 'labels'), { params, signal })).data;
}

/** What is known of each metric. */
export async function metadata(where: Where, signal?: AbortSignal): Promise<Record<string, Meta>> {
  const { data } = await get<Answer<Record<string, Meta[]>>>(prometheus(where, 'metadata'), { signal });
  return Object.fromEntries(Object.entries(data).flatMap(([name, [first]]) => (first ? [[name, first]] : [])));
}
