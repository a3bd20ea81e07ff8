import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Language } from '../api/scope';
import type { Editor } from '../editor/editor';
import { mistake } from '../lib/completion';
import { place } from '../state/place';

/**
 * What is being written. What was typed is where it was typed already: putting it there once more would
 * undo what has been typed since.
 */
export interface Draft {
  text: string;
  typed: boolean;
}

export const given = (text: string): Draft => ({ text, typed: false });
const written = (text: string): Draft => ({ text, typed: true });

/** What the API said of a query that it refused. */
export interface Refusal {
  query: string;
  sentence: string;
}

interface Props {
  draft: Draft;
  change: (draft: Draft) => void;
  submit: () => void;
  /** LogQL where nothing is said. */
  language?: Language;
  /** What it is called where there are several. */
  label?: string;
  hint?: string;
  refused?: Refusal | undefined;
  /** What follows what is wrong. */
  below?: ComponentChildren;
}

export const refusal = (query: string, error: unknown): Refusal | undefined => (error instanceof Error ? { query, sentence: error.message } : undefined);

const LABELS = { logql: 'LogQL query', promql: 'PromQL query' } as const;
const HINTS = { logql: 'All lines. {level="error"} or |= "text" narrows them down', promql: 'rate(http_requests_total[5m])' } as const;

/**
 * The text of a query. Enter runs it, Shift+Enter begins a line. It is a plain text area until the editor
 * is loaded, and remains one where that fails.
 */
export function QueryField({ draft, change, submit, language = 'logql', label = LABELS[language], hint = HINTS[language], refused, below }: Props) {
  const { text } = draft;
  const area = useRef<HTMLTextAreaElement>(null);
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const [ready, setReady] = useState(false);
  const id = useId();
  // The editor lives longer than what it was made with.
  const now = useRef({ text, change, submit });
  now.current = { text, change, submit };
  useEffect(() => {
    let gone = false;
    const begin = async (): Promise<void> => {
      const { create } = await import('../editor/editor');
      const element = host.current;
      if (gone || !element) return;
      const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
      const asked = () => ({ project: place.value.project, resource: place.value.resource, language });
      const { text } = now.current;
      const options = { root, language, text, label, hint, asked, change: (text: string) => now.current.change(written(text)), submit: () => now.current.submit() };
      editor.current = create(options);
      const focused = document.activeElement === area.current ? area.current : undefined;
      const selection = [focused?.selectionStart ?? 0, focused?.selectionEnd ?? 0] as const;
      // Who writes already goes on where they are.
      element.hidden = false;
      if (focused) editor.current.focus(...selection);
      setReady(true);
    };
    begin().catch((error: unknown) => console.warn('the editor could not be loaded', error));
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, [language]);
  useEffect(() => editor.current?.set(now.current.text), [ready]);
  useLayoutEffect(() => {
    if (!draft.typed) editor.current?.set(draft.text);
  }, [draft]);
  // What was said of a query holds until it is changed.
  const wrong = refused && refused.query.trim() === text.trim() ? mistake(text, refused.sentence) : undefined;
  useEffect(() => editor.current?.mark(wrong?.at), [wrong?.at, ready]);
  useLayoutEffect(() => {
    if (!area.current) return;
    area.current.style.height = 'auto';
    area.current.style.height = `${area.current.scrollHeight + 2}px`;
  }, [text, ready]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  };
  return (
    <div class="field">
      <div ref={host} class="editor" hidden={!ready} />
      {!ready && (
        <textarea ref={area} rows={1} value={text} aria-label={label} aria-describedby={wrong && id} placeholder={hint} spellcheck={false}
          autocapitalize="off" autocomplete="off" onInput={(event) => change(written(event.currentTarget.value))} onKeyDown={onKeyDown} />
      )}
      <p id={id} class="mistake" role="status">{wrong?.message}</p>
      {below}
    </div>
  );
}
