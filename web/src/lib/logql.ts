// Changing a LogQL query by clicks, without understanding more of it than where its selector ends and
// what is in quotation marks. What the result means, the API says.

import { LEVEL_LABELS } from './levels';

/** How something was chosen: a stream's label, what came with the line, or a field of its text. */
export type Kind = 'label' | 'metadata' | 'parsed' | 'json' | 'logfmt';

/** A query's stream selector, braces included, and what follows it. */
export interface Parts {
  selector: string;
  pipeline: string;
}

/** Whether a query asks for lines; others compute numbers. */
export const asksForLines = (query: string): boolean => /^\s*($|[{|])/.test(query);

/** What somebody meant who wrote words as if this were a search, in quotation marks or not; undefined for what may be LogQL. */
export function meant(query: string): string | undefined {
  const words = query.trim();
  const quoted = /^(["'])([^"'\\]+)\1$/.exec(words)?.[2];
  if (quoted === undefined && !/^[\p{L}\p{N}_][\p{L}\p{N}_.:/@ -]*$/u.test(words)) return undefined;
  return `|= ${quote(quoted ?? words)}`;
}

/** Takes a query for lines apart. */
export function parts(query: string): Parts {
  const trimmed = query.trim();
  if (!trimmed.startsWith('{')) return { selector: '{}', pipeline: trimmed };
  const end = skip(trimmed, '}');
  return { selector: trimmed.slice(0, end), pipeline: trimmed.slice(end).trim() };
}

/** The place behind the first `mark` that is not in a string; the end where there is none. */
function skip(text: string, mark: string): number {
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at]!;
    if (c === '"' || c === '`') {
      at += 1;
      while (at < text.length && text[at] !== c) at += c === '"' && text[at] === '\\' ? 2 : 1;
    } else if (c === mark) {
      return at + 1;
    }
  }
  return text.length;
}

/** A text as LogQL quotes it. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** Adds the condition that something is, or is not, of a value. One that is there already is not added again. */
export function filter(query: string, kind: Kind, name: string, value: string, is: boolean): string {
  if (!asksForLines(query)) return query;
  const { selector, pipeline } = parts(query);
  const [condition, opposite] = [is ? '=' : '!=', is ? '!=' : '='].map((operator) => `${name}${operator}${quote(value)}`);
  if (kind === 'label') {
    const matchers = inner(selector).filter((matcher) => squeeze(matcher) !== opposite);
    if (!matchers.some((matcher) => squeeze(matcher) === condition)) matchers.push(condition!);
    return join({ selector: `{${matchers.join(', ')}}`, pipeline });
  }
  const stage = `| ${condition}`;
  const kept = pipeline.replace(`| ${opposite}`, '').trim();
  if (kept.includes(stage)) return join({ selector, pipeline: kept });
  const parser = kind === 'json' || kind === 'logfmt' ? kind : undefined;
  const parses = parser !== undefined && !new RegExp(`\\|\\s*${parser}\\b`).test(kept);
  return join({ selector, pipeline: [kept, parses ? `| ${parser}` : '', stage].filter(Boolean).join(' ') });
}

const join = ({ selector, pipeline }: Parts): string => `${selector} ${pipeline}`.trim();

/** The matchers of a selector. */
function inner(selector: string): string[] {
  let rest = selector.slice(1, -1);
  const found: string[] = [];
  while (rest.trim()) {
    const end = skip(rest, ',');
    const cut = rest.slice(0, end);
    found.push(cut.replace(/,$/, '').trim());
    rest = rest.slice(end);
  }
  return found.filter(Boolean);
}

/** A matcher without the spaces around its operator. */
const squeeze = (matcher: string): string => matcher.replace(/^(\w+)\s*(=~|!~|!=|=)\s*/, '$1$2');

/**
 * A selector of the stream of these labels, in all of its levels: Loki makes a stream of each, and whoever
 * looks for what led to an error looks for what was no error.
 */
export function streamOf(labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).filter(([name]) => name !== 'resource_id' && !LEVEL_LABELS.some((each) => each === name.toLowerCase()));
  return `{${matchers.map(([name, value]) => `${name}=${quote(value)}`).join(', ')}}`;
}

/** How many lines a query finds in each step, by level; undefined for one that asks for no lines. */
export function volume(query: string, seconds: number): string | undefined {
  if (!asksForLines(query)) return undefined;
  const { selector, pipeline } = parts(query);
  // Lines that a parser does not understand count, too.
  const tolerant = /\|\s*(json|logfmt|regexp|pattern|unpack)\b/.test(pipeline) ? ' | drop __error__, __error_details__' : '';
  const counted = join({ selector, pipeline: `${pipeline}${tolerant}` });
  return `sum by (level, detected_level) (count_over_time(${counted} [${seconds}s]))`;
}
