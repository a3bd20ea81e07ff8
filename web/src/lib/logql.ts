// Changing a LogQL query by clicks, without understanding more of it than where its selector ends and
// what is in quotation marks. What the result means, the API says.

import { LEVEL_LABELS } from './levels';

/** How something was chosen: a stream's label, what came with the line, or a field of its text. */
export type Kind = 'label' | 'metadata' | 'parsed' | 'json' | 'logfmt';

/** A query's stream selector, braces included, and what follows it. */
export interface Parts {
  /** Comments before the selector, where there are any. */
  head?: string;
  selector: string;
  pipeline: string;
}

/** A piece of a query: text in quotation marks, a comment without the end of its line, or all else. */
interface Piece {
  kind: 'code' | 'string' | 'comment';
  text: string;
}

/** A query in pieces, which are all of its text. A string that nothing ends goes on to the end. */
function pieces(query: string): Piece[] {
  const found: Piece[] = [];
  for (const [text] of query.matchAll(/"(?:\\[^]|[^"\\])*(?:"|\\?$)|`[^`]*(?:`|$)|#[^\n]*|[^"`#]+/g)) {
    found.push({ kind: /^["`]/.test(text) ? 'string' : text.startsWith('#') ? 'comment' : 'code', text });
  }
  return found;
}

/** A query without its comments. */
const bare = (query: string): string => pieces(query).map(({ kind, text }) => (kind === 'comment' ? '' : text)).join('').trim();

/** Whether what is put behind a text would become a part of a comment. */
const endsInComment = (text: string): boolean => pieces(text).at(-1)?.kind === 'comment';

/** Puts something behind a text: in a line of its own where the text ends in a comment, of which it would become a part. */
const behind = (text: string, more: string): string => (text && more ? `${text}${endsInComment(text) ? '\n' : ' '}${more}` : text || more);

/** A query's comments and white space at its beginning, and the rest. */
function begun(query: string): [head: string, rest: string] {
  const head = /^(?:\s+|#[^\n]*)*/.exec(query)![0];
  return [head.trim(), query.slice(head.length)];
}

/** Whether a query asks for lines; others compute numbers. */
export const asksForLines = (query: string): boolean => /^($|[{|])/.test(begun(query)[1]);

/** What somebody meant who wrote words as if this were a search, in quotation marks or not; undefined for what may be LogQL. */
export function meant(query: string): string | undefined {
  const words = query.trim();
  const quoted = /^(["'])([^"'\\]+)\1$/.exec(words)?.[2];
  if (quoted === undefined && !/^[\p{L}\p{N}_][\p{L}\p{N}_.:/@ -]*$/u.test(words)) return undefined;
  return `|= ${quote(quoted ?? words)}`;
}

/** Takes a query for lines apart. */
export function parts(query: string): Parts {
  const [head, rest] = begun(query);
  const before = head ? { head } : {};
  if (!rest.startsWith('{')) return { ...before, selector: '{}', pipeline: rest.trim() };
  const end = skip(rest, '}');
  return { ...before, selector: rest.slice(0, end), pipeline: rest.slice(end).trim() };
}

/** The place behind the first `mark` that is in no string and no comment; the end where there is none. */
function skip(query: string, mark: string): number {
  let at = 0;
  for (const { kind, text } of pieces(query)) {
    const found = kind === 'code' ? text.indexOf(mark) : -1;
    if (found >= 0) return at + found + 1;
    at += text.length;
  }
  return query.length;
}

/** The stages of a pipeline, each with its bar and whatever stands before the next one. */
function stages(pipeline: string): string[] {
  const found = [''];
  for (const { kind, text } of pieces(pipeline)) {
    const [first = '', ...others] = kind === 'code' ? text.split(/(?=\|)/) : [text];
    if (first.startsWith('|') && kind === 'code') found.push(first);
    else found.push(`${found.pop()}${first}`);
    found.push(...others);
  }
  return found.filter(Boolean);
}

/** A text as LogQL quotes it. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** Adds the condition that something is, or is not, of a value. One that is there already is not added again. */
export function filter(query: string, kind: Kind, name: string, value: string, is: boolean): string {
  if (!asksForLines(query)) return query;
  const { selector, pipeline, ...before } = parts(query);
  const [condition, opposite] = [is ? '=' : '!=', is ? '!=' : '='].map((operator) => `${name}${operator}${quote(value)}`);
  if (kind === 'label') {
    const matchers = inner(selector).filter((matcher) => squeeze(matcher) !== opposite);
    if (!matchers.some((matcher) => squeeze(matcher) === condition)) matchers.push(condition!);
    return join({ ...before, selector: `{${matchers.map(closed).join(', ')}}`, pipeline });
  }
  const all = stages(pipeline);
  const kept = all.filter((stage) => bare(stage) !== `| ${opposite}`).join('').trim();
  if (all.some((stage) => bare(stage) === `| ${condition}`)) return join({ ...before, selector, pipeline: kept });
  const parser = kind === 'json' || kind === 'logfmt' ? kind : undefined;
  const parses = parser !== undefined && !all.some((stage) => new RegExp(`^\\|\\s*${parser}\\b`).test(bare(stage)));
  const added = `${parses ? `| ${parser} ` : ''}| ${condition}`;
  return join({ ...before, selector, pipeline: behind(kept, added) });
}

const join = ({ head = '', selector, pipeline }: Parts): string => behind(head, behind(selector, pipeline));

/** The matchers of a selector, each with its comments. */
function inner(selector: string): string[] {
  let rest = selector.slice(1, -1);
  const found: string[] = [];
  while (rest.trim()) {
    const end = skip(rest, ',');
    found.push(rest.slice(0, end).replace(/,$/, '').trim());
    rest = rest.slice(end);
  }
  return found.filter(bare);
}

/** A text with the end of the line that a comment at its end needs. */
const closed = (text: string): string => (endsInComment(text) ? `${text}\n` : text);

/** A matcher without comments, and without the spaces around its operator. */
const squeeze = (matcher: string): string => bare(matcher).replace(/^(\w+)\s*(=~|!~|!=|=)\s*/, '$1$2');

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
  const { selector, pipeline, ...before } = parts(query);
  // Lines that a parser does not understand count, too.
  const parses = stages(pipeline).some((stage) => /^\|\s*(json|logfmt|regexp|pattern|unpack)\b/.test(bare(stage)));
  const tolerant = parses ? '| drop __error__, __error_details__' : '';
  const counted = behind(join({ ...before, selector, pipeline: behind(pipeline, tolerant) }), `[${seconds}s]`);
  return `sum by (level, detected_level) (count_over_time(${counted}))`;
}
