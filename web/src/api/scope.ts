// What becomes of a query before the backend sees it, said by the code that sends it.

import { get, resourcePath } from './request';

export type Language = 'logql' | 'promql';

export interface Scoped {
  tenant: string;
  query: string;
}

export async function scoped(project: string, resource: string, language: Language, query: string, signal?: AbortSignal): Promise<Scoped> {
  const of = language === 'logql' ? 'logs' : 'metrics';
  const { data } = await get<{ data: Scoped }>(`${resourcePath(project, resource)}/${of}/scope`, {
    params: { query: query.trim() || undefined },
    signal,
  });
  return data;
}
