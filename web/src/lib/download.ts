// Lines as files.

import type { Line } from './lines';
import { own } from './own';

export type Format = 'text' | 'json' | 'csv';

export function render(lines: readonly Line[], format: Format): string {
  switch (format) {
    case 'text':
      return lines.map(({ ns, text }) => `${iso(ns)} ${text}\n`).join('');
    case 'json':
      return `${JSON.stringify(lines.map((line) => ({ time: iso(line.ns), ...record(line) })), null, 2)}\n`;
    case 'csv':
      return csv(lines);
  }
}

const record = ({ ns, level, text, labels, metadata, parsed }: Line) => ({ ns, level, text, labels, metadata, parsed });

/** RFC 3339 with nanoseconds. */
export function iso(ns: string): string {
  const seconds = Number(ns.slice(0, -9));
  return new Date(seconds * 1000).toISOString().replace('.000Z', `.${ns.slice(-9)}Z`);
}

/** RFC 4180, one column for each label that occurs. */
function csv(lines: readonly Line[]): string {
  const names = new Set<string>();
  for (const { labels, metadata, parsed } of lines) {
    for (const name of [labels, metadata, parsed].flatMap(Object.keys)) names.add(name);
  }
  const columns = [...names].sort();
  const rows = lines.map((line) => {
    const all: Record<string, string> = { ...line.labels, ...line.metadata, ...line.parsed };
    return [iso(line.ns), line.level, line.text, ...columns.map((name) => own(all, name) ?? '')];
  });
  const head = ['time', 'severity', 'line', ...columns];
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

/** What begins a formula, and what a spreadsheet may take for the end of a cell: in many countries that is the semicolon. */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r]/;
const WITHIN = /[;\t\r\n](?=\s*[=+\-@＝＋－＠])/g;

/** A cell that begins like a formula would be one in a spreadsheet, and log lines are written by strangers. */
function cell(text: string): string {
  const marked = text.replace(WITHIN, "$&'");
  const safe = FORMULA.test(marked) ? `'${marked}` : marked;
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
