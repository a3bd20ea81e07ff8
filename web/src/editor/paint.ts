// A query in colours where it is only read.

import { highlightCode, tagHighlighter, tags } from '@lezer/highlight';
import { LANGUAGES } from './languages';

export interface Piece {
  text: string;
  /** The class of its colour; empty for none. */
  class: string;
}

const CLASSES = tagHighlighter([
  { tag: tags.comment, class: 'q-comment' },
  { tag: tags.labelName, class: 'q-label' },
  { tag: tags.string, class: 'q-string' },
  { tag: tags.number, class: 'q-number' },
  { tag: [tags.keyword, tags.modifier, tags.logicOperator], class: 'q-keyword' },
  { tag: [tags.function(tags.variableName), tags.operatorKeyword], class: 'q-function' },
]);

/** The pieces of a query, which are all of its text in its order. */
export function paint(language: keyof typeof LANGUAGES, text: string): Piece[] {
  const pieces: Piece[] = [];
  const put = (text: string, name: string): unknown => pieces.push({ text, class: name });
  highlightCode(text, LANGUAGES[language].parser.parse(text), CLASSES, put, () => put('\n', ''));
  return pieces;
}
