import { useEffect, useState } from 'preact/hooks';
import { meant } from '../lib/logql';
import { busy } from '../state/busy';
import { found } from '../state/logs';
import { go, place } from '../state/place';
import { tail } from '../state/tail';
import { History } from './History';
import { given, QueryField, refusal, type Refusal } from './QueryField';
import { TimeRange } from './TimeRange';
import { Refresh } from './Refresh';

/** What is asked, and about which time. */
export function QueryBar({ again, failure }: { again: () => void; failure?: Refusal | undefined }) {
  const { query, live } = place.value;
  const [draft, setDraft] = useState(() => given(query));
  useEffect(() => setDraft(given(query)), [query]);
  const text = draft.text.trim();
  const submit = (): void => {
    if (text === query) again();
    else go({ query: text });
  };
  const { status, error } = live ? tail.value : found.value;
  const refused = failure ?? (status === 'failed' ? refusal(query, error) : undefined);
  const hint = meant(query);
  const pick = (past: string): void => {
    setDraft(given(past));
    go({ query: past });
  };
  return (
    <form class="query" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <QueryField draft={draft} change={setDraft} submit={submit} refused={refused}
        below={refused && hint && <p class="meant" role="status">Did you mean <code>{hint}</code>? <button type="button" onClick={() => pick(hint)}>Look for it</button></p>} />
      <div class="when">
        <History pick={pick} />
        <TimeRange />
        <Refresh again={again} busy={busy} />
        <button type="submit" class="primary" title="Run (Enter)">Run</button>
      </div>
    </form>
  );
}
