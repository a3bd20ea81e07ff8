// Names of labels, their values and metrics: a resource's own, as the API tells them.

import { get, resourcePath } from './request';
import type { Language } from './scope';

/** How long an answer serves, in milliseconds, and how many are kept. */
const FRESH = 60_000;
const MOST = 200;
const known = new Map<string, { at: number; words: string[] }>();

export interface Asked {
  project: string;
  resource: string;
  language: Language;
}

async function words(path: string, params: Record<string, string | undefined>, signal: AbortSignal): Promise<string[]> {
  const key = JSON.stringify([path, params]);
  const before = known.get(key);
  if (before && Date.now() - before.at < FRESH) return before.words;
  const { data } = await get<{ data?: string[] }>(path, { params, signal });
  known.delete(key);
  known.set(key, { at: Date.now(), words: data ?? [] });
  for (const oldest of known.keys()) if (known.size > MOST) known.delete(oldest);
  return data ?? [];
}

const base = ({ project, resource, language }: Asked): string =>
  `${resourcePath(project, resource)}/${language === 'logql' ? 'loki' : 'prometheus'}/api/v1`;
const of = (metric: string): Record<string, string | undefined> => ({ 'match[]': metric || undefined });
/** All of a resource's data have this one, by which they are its. */
const isOwn = (name: string): boolean => name !== 'resource_id' && name !== '__name__';

export const labels = async (asked: Asked, metric: string, signal: AbortSignal): Promise<string[]> =>
  (await words(`${base(asked)}/labels`, of(metric), signal)).filter(isOwn);

export const values = (asked: Asked, label: string, metric: string, signal: AbortSignal): Promise<string[]> =>
  words(`${base(asked)}/label/${encodeURIComponent(label)}/values`, of(metric), signal);

export const metrics = (asked: Asked, signal: AbortSignal): Promise<string[]> => values(asked, '__name__', '', signal);
