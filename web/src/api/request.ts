// Asking the API, as any client would: a path, a token, and errors in its one shape.

import { leave, renew, token } from '../auth/session';

/** A request that was not answered as asked, with the API's own sentence. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Seconds to wait, where the API says so. */
    readonly retryAfter: number | undefined,
    readonly requestId: string | undefined,
  ) {
    super(message);
  }
}

export interface Options {
  params?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  method?: string;
  /** What is sent as JSON. */
  json?: unknown;
}

/** `../api/v1/` from the page, wherever a proxy has put both. */
const root = (): URL => new URL('../api/v1/', document.baseURI);

/** The address of a path below the API's own. A part such as `..`, however it is written, would lead elsewhere, and the token with it. */
export function address(path: string, base: URL): URL {
  const url = new URL(path, base);
  const isBelow = url.origin === base.origin && url.pathname === base.pathname + path;
  if (!isBelow || path.split('/').some((part) => /^(\.|%2e){0,2}$/i.test(part))) throw new Error('This is no address of the API.');
  return url;
}

/** Asks, and answers with what is no refusal. A token that is no longer taken is renewed once. */
export async function ask(path: string, options: Options = {}): Promise<Response> {
  const url = address(path, root());
  for (const [name, value] of Object.entries(options.params ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  let answer = await send(url, options);
  if (answer.status === 401) {
    await renew();
    answer = await send(url, options);
    if (answer.status === 401) leave('The API does not take your token. Please sign in again.');
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function send(url: URL, { headers, signal, method, json }: Options): Promise<Response> {
  const init: RequestInit = {
    method: method ?? 'GET',
    headers: {
      Authorization: `Bearer ${await token()}`,
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    signal: signal ?? null,
    cache: 'no-store',
    credentials: 'omit',
  };
  if (json !== undefined) init.body = JSON.stringify(json);
  try {
    return await fetch(url, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, 'The server cannot be reached. Is it running, and are you online?', undefined, undefined);
  }
}

/** The answer as JSON. */
export async function get<T>(path: string, options?: Options): Promise<T> {
  return (await ask(path, options)).json() as Promise<T>;
}

/** All pages of a list, of which there are at most 50. */
export async function list<T>(path: string, options: Options = {}): Promise<T[]> {
  const found: T[] = [];
  let params: Options['params'] | undefined = { limit: 200, ...options.params };
  for (let page = 0; params !== undefined && page < 50; page += 1) {
    const answer: Response = await ask(path, { ...options, params });
    found.push(...((await answer.json()) as T[]));
    const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.get('Link') ?? '')?.[1];
    // Of a link to the next page its parameters are taken: pages of one list have one path, and no token goes elsewhere.
    params = link === undefined ? undefined : Object.fromEntries(new URL(link, root()).searchParams);
  }
  return found;
}

async function refusal(answer: Response): Promise<Refused> {
  const text = await answer.text();
  let sentence = text;
  try {
    sentence = (JSON.parse(text) as { error?: string }).error ?? text;
  } catch {
    // A backend's own refusal is plain text.
  }
  const wait = Number(answer.headers.get('Retry-After'));
  return new Refused(
    answer.status,
    sentence || `The server answered ${answer.status}.`,
    wait > 0 ? wait : undefined,
    answer.headers.get('X-Request-Id') ?? undefined,
  );
}

/** The path of a resource. */
export const resourcePath = (project: string, resource: string): string =>
  `projects/${encodeURIComponent(project)}/resources/${encodeURIComponent(resource)}`;
