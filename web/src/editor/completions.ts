import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { labels, metrics, values, type Asked } from '../api/words';
import { escaped, expected, type Expected } from '../lib/completion';
import { LOGQL, PROMQL } from './words';

const as = (type: string, names: readonly string[], more: Partial<Completion> = {}): Completion[] => names.map((label) => ({ label, type, ...more }));
/** A function's name with its bracket, which the editor closes. */
const call = (type: string, label: string, detail: string): Completion => ({ label, type, detail, apply: `${label}(`, boost: -1 });

/** Completes from the language, and from the resource's own data; a request ends with what it was made for. */
export function completions(asked: () => Asked) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const text = context.state.sliceDoc(0, context.pos);
    const about = asked();
    const place = expected(about.language, text);
    // At the beginning all names would cover the page: they come when they are asked for.
    if (!place || (place.kind === 'name' && place.from === context.pos && !context.explicit)) return null;
    const leaving = new AbortController();
    context.addEventListener('abort', () => leaving.abort());
    try {
      const options = await found(place, about, leaving.signal);
      if (place.kind !== 'value') return { from: place.from, options, validFor: /^[\w:]*$/ };
      const next = context.state.sliceDoc(context.pos, context.pos + 1);
      return { from: place.from, options: options.flatMap((each) => quoted(each, place.quote, next)), validFor: /^[^"'`\\]*$/ };
    } catch {
      // Without its data one writes on: whatever is wrong is said when the query is run.
      return null;
    }
  };
}

/** A value as it is put in place, with the mark that ends it where none stands there yet. */
function quoted(each: Completion, mark: string, next: string): Completion[] {
  const text = escaped(each.label, mark);
  return text === undefined ? [] : [{ ...each, apply: text + (next === mark ? '' : mark) }];
}

async function found(place: Expected, asked: Asked, signal: AbortSignal): Promise<Completion[]> {
  switch (place.kind) {
    case 'value':
      return as('text', await values(asked, place.label, place.metric, signal));
    case 'label':
      return as('property', await labels(asked, place.metric, signal));
    case 'stage':
      return LOGQL.stages.map(([label, detail]) => ({ label, detail, type: 'keyword' }));
    case 'name': {
      if (asked.language === 'logql') return [...LOGQL.aggregations, ...LOGQL.functions].map((name) => call('function', name, ''));
      const own = as('variable', await metrics(asked, signal).catch(() => []), { detail: 'metric' });
      return [...own, ...PROMQL.aggregations.map((name) => call('keyword', name, 'aggregation')), ...PROMQL.functions.map(([name, detail]) => call('function', name, detail))];
    }
  }
}
