// The editor of queries: CodeMirror in a shadow root, where its styles are adopted style sheets, which the
// page's Content-Security-Policy allows; into a document it would write style elements.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, completionStatus } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { Annotation, EditorState, Prec, StateEffect, StateField } from '@codemirror/state';
import { Decoration, drawSelection, EditorView, keymap, placeholder, type DecorationSet } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Asked } from '../api/words';
import { completions } from './completions';
import { LANGUAGES } from './languages';

export interface Options {
  root: ShadowRoot;
  language: keyof typeof LANGUAGES;
  text: string;
  label: string;
  hint: string;
  asked: () => Asked;
  change: (text: string) => void;
  submit: () => void;
}

export interface Editor {
  set: (text: string) => void;
  /** Marks the character at an offset; without one, none. */
  mark: (at: number | undefined) => void;
  focus: (anchor: number, head: number) => void;
  destroy: () => void;
}

const COLOURS = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  { tag: tags.labelName, color: 'var(--info)' },
  { tag: tags.string, color: 'var(--warn)' },
  { tag: tags.number, color: 'var(--critical)' },
  { tag: [tags.keyword, tags.modifier, tags.logicOperator], color: 'var(--debug)' },
  { tag: [tags.function(tags.variableName), tags.operatorKeyword], color: 'var(--accent)' },
]);

const THEME = EditorView.theme({
  '&': { fontSize: '13px', border: '1px solid var(--edge)', borderRadius: 'var(--radius)', background: 'var(--front)', color: 'var(--text)', maxHeight: '40vh' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', overflow: 'auto' },
  '.cm-content': { padding: '5px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 10px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--accent-soft)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { background: 'var(--accent-soft)', color: 'inherit' },
  // The published grammars have no bracket within a mistake, and most of what is being written is one.
  '.cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket': { background: 'none' },
  '.cm-mistake': { textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '3px', background: 'var(--bad-soft)' },
  '.cm-tooltip': { border: '1px solid var(--line)', borderRadius: '8px', background: 'var(--raised)', color: 'var(--text)', boxShadow: 'var(--shadow)', overflow: 'hidden' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12.5px', maxHeight: '40vh' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { background: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '650' },
});

/** Marks a change that the page made, of which it need not be told. */
const outside = Annotation.define<boolean>();
const marked = StateEffect.define<number | undefined>();
const MISTAKE = Decoration.mark({ class: 'cm-mistake' });
const mistakes = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(marked)) continue;
      const { length } = transaction.newDoc;
      if (effect.value === undefined || length === 0) return Decoration.none;
      // Where the query ends too early, its last character stands for what is missing.
      const from = Math.min(effect.value, length - 1);
      return Decoration.set(MISTAKE.range(from, from + 1));
    }
    return before.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function create({ root, language, text, label, hint, asked, change, submit }: Options): Editor {
  const run = (view: EditorView): boolean => {
    // Enter takes a completion where one is offered.
    if (completionStatus(view.state) === 'active') return false;
    submit();
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        history(), drawSelection(), bracketMatching(), closeBrackets(), EditorView.lineWrapping, mistakes, THEME,
        syntaxHighlighting(COLOURS), LANGUAGES[language],
        autocompletion({ override: [completions(asked)], activateOnTypingDelay: 150, icons: false }),
        placeholder(hint),
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocapitalize: 'off' }),
        EditorView.updateListener.of((update) => { if (update.docChanged && !update.transactions.some((each) => each.annotation(outside))) change(update.state.doc.toString()); }),
        // Tab is not taken: it goes on to the next control, as everywhere.
        keymap.of(completionKeymap),
        Prec.high(keymap.of([{ key: 'Enter', run }, { key: 'Mod-Enter', run: (view) => { submit(); return view !== undefined; } }])),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
      ],
    }),
  });
  return {
    set(text) {
      const { doc } = view.state;
      if (doc.toString() !== text) view.dispatch({ changes: { from: 0, to: doc.length, insert: text }, selection: { anchor: text.length }, annotations: outside.of(true) });
    },
    mark: (at) => view.dispatch({ effects: marked.of(at) }),
    focus(anchor, head) {
      const { length } = view.state.doc;
      view.dispatch({ selection: { anchor: Math.min(anchor, length), head: Math.min(head, length) } });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}
