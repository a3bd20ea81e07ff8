// Queries that were run, newest first: each with its resource, and nothing of what came of it.

export interface Past {
  /** The resource and the language. */
  of: string;
  query: string;
}

/** How many are kept, for one resource and for all. */
const EACH = 20;
const ALL = 200;
/** Longer ones are not. */
const LONGEST = 4000;

export const key = (project: string, resource: string, language: string): string => `${project}/${resource}/${language}`;

export function remember(all: readonly Past[], of: string, query: string): Past[] {
  if (!query.trim() || query.length > LONGEST) return [...all];
  let left = EACH;
  const others = all.filter((past) => past.of !== of || (past.query !== query && (left -= 1) > 0));
  return [{ of, query }, ...others].slice(0, ALL);
}

/** Reads what storage holds, which anything may have written. */
export function parse(text: string | null): Past[] {
  try {
    const found: unknown = JSON.parse(text ?? '[]');
    const isPast = (each: unknown): each is Past =>
      typeof each === 'object' && each !== null && typeof (each as Past).of === 'string' && typeof (each as Past).query === 'string';
    return Array.isArray(found) ? found.filter(isPast).slice(0, ALL) : [];
  } catch {
    return [];
  }
}

/** What storage holds: the queries of one person at one issuer. */
export const stored = (who: string, past: readonly Past[]): string => JSON.stringify({ who, past });

/** Reads what storage holds for somebody: nothing of what is another's. */
export function recall(text: string | null, who: string): Past[] {
  try {
    const found = JSON.parse(text ?? 'null') as { who?: unknown; past?: unknown } | null;
    return found?.who === who ? parse(JSON.stringify(found.past ?? [])) : [];
  } catch {
    return [];
  }
}
