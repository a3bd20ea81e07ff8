// What may be completed at a place of a query, told by the text before it. It need not be a whole query
// yet, which no grammar takes; what the result means, the API says.

export type Expected =
  | { kind: 'value'; label: string; metric: string; from: number; quote: string }
  | { kind: 'label'; metric: string; from: number }
  | { kind: 'stage'; from: number }
  | { kind: 'name'; from: number };

/** What stands before a text's end, outside of strings and comments. */
interface Before {
  /** Brackets that are open, each with where it is. */
  open: { bracket: string; at: number }[];
  /** Where a string began that is still open. */
  string: number | undefined;
  isComment: boolean;
}

export function expected(language: 'logql' | 'promql', text: string): Expected | undefined {
  const { open, string, isComment } = before(text);
  if (isComment) return undefined;
  const inner = open.at(-1);
  if (string !== undefined) {
    if (inner?.bracket !== '{') return undefined;
    const label = /([A-Za-z_][\w.]*)\s*(=~|!~|!=|=)\s*$/.exec(text.slice(inner.at + 1, string))?.[1];
    if (label === undefined) return undefined;
    return { kind: 'value', label, metric: metricBefore(text, inner.at), from: string + 1, quote: text[string]! };
  }
  const from = text.length - /[\w:]*$/.exec(text)![0].length;
  const head = text.slice(0, from).trimEnd();
  if (inner?.bracket === '{') return /[{,]$/.test(head) ? { kind: 'label', metric: metricBefore(text, inner.at), from } : undefined;
  if (inner?.bracket === '[') return undefined;
  if (inner?.bracket === '(' && /\b(by|without|on|ignoring|group_left|group_right)\s*$/i.test(text.slice(0, inner.at))) {
    return { kind: 'label', metric: '', from };
  }
  if (language === 'logql' && /(^|[^|])\|$/.test(head)) return { kind: 'stage', from };
  // Behind a name, a number or a closed bracket comes an operator.
  if (/[\w")}\]`]$/.test(head) && !/\b(by|without|and|or|unless|bool)$/i.test(head)) return undefined;
  return { kind: 'name', from };
}

const PAIRS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

function before(text: string): Before {
  const open: Before['open'] = [];
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at]!;
    if (c === '"' || c === "'" || c === '`') {
      const begin = at;
      for (at += 1; at < text.length && text[at] !== c; at += 1) if (text[at] === '\\' && c !== '`') at += 1;
      if (at >= text.length) return { open, string: begin, isComment: false };
    } else if (c === '#') {
      const end = text.indexOf('\n', at);
      if (end < 0) return { open, string: undefined, isComment: true };
      at = end;
    } else if (c === '(' || c === '[' || c === '{') {
      open.push({ bracket: c, at });
    } else if (PAIRS[c] !== undefined && open.at(-1)?.bracket === PAIRS[c]) {
      open.pop();
    }
  }
  return { open, string: undefined, isComment: false };
}

const metricBefore = (text: string, at: number): string => /([A-Za-z_:][\w:]*)\s*$/.exec(text.slice(0, at))?.[1] ?? '';

/** A value as it stands between quotation marks of this kind; undefined where it cannot: between backticks there
 * is no escape, and what follows one in the value would be the query's. */
export function escaped(value: string, mark: string): string | undefined {
  if (mark === '`') return /[`\r]/.test(value) ? undefined : value;
  const inner = JSON.stringify(value).slice(1, -1);
  return mark === "'" ? inner.replaceAll('\\"', '"').replaceAll("'", "\\'") : inner;
}

/** The place that an error of the API names, as an offset in the text that was asked; and what is wrong. */
export function mistake(text: string, sentence: string): { at: number; message: string } | undefined {
  // A backend's own words are about the query that it was sent, which is another.
  const match = /^(\d+):(\d+): (?!parse error)([^\n]*)/.exec(sentence);
  if (!match) return undefined;
  // What is asked is the query without the room around it.
  const before = text.length - text.trimStart().length;
  const lines = text.slice(before).split('\n');
  const line = Number(match[1]) - 1;
  if (line >= lines.length) return undefined;
  const start = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  // Columns count characters, and the text of a page code units.
  const column = Array.from(lines[line]!).slice(0, Number(match[2]) - 1).join('').length;
  return { at: before + start + column, message: match[3]! };
}
