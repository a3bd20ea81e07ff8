import { useEffect, useState } from 'preact/hooks';
import { key } from '../lib/history';
import { keep } from '../state/history';
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
  const { project, resource, query, live } = place.value;
  const [draft, setDraft] = useState(() => given(query));
  useEffect(() => setDraft(given(query)), [query]);
  const text = draft.text.trim();
  const submit = (): void => {
    keep(key(project, resource, 'logql'), text);
    if (text === query) again();
    else go({ query: text });
  };
  const { status, error } = live ? tail.value : found.value;
  const refused = failure ?? (status === 'failed' ? refusal(query, error) : undefined);
  const pick = (past: string): void => {
    setDraft(given(past));
    go({ query: past });
  };
  return (
    <form class="query" onSubmit={(event) => { event.preventDefault(); submit(); }}>
      <QueryField draft={draft} change={setDraft} submit={submit} refused={refused} />
      <div class="when">
        <History pick={pick} />
        <TimeRange />
        <Refresh again={again} busy={busy} />
        <button type="submit" class="primary" title="Run (Enter)">Run</button>
      </div>
    </form>
  );
}
