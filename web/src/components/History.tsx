import type { Language } from '../api/scope';
import { key } from '../lib/history';
import { forget, history } from '../state/history';
import { place } from '../state/place';
import { Popup } from './Popup';

/** The queries that were run on this resource, to take one again. */
export function History({ language = 'logql', pick }: { language?: Language; pick: (query: string) => void }) {
  const { project, resource } = place.value;
  const of = key(project, resource, language);
  return (
    <Popup class="end" label="History">
      {(close) => {
        const past = history.value.filter((each) => each.of === of);
        return past.length === 0 ? <p class="hint">Queries that you run are kept here, in this browser alone, until you sign out.</p> : (
          <ul class="menu past">
            {past.map(({ query }) => <li key={query}><button type="button" onClick={() => { pick(query); close(); }}><code>{query}</code></button></li>)}
            <li><button type="button" onClick={() => { forget(); close(); }}>Forget all</button></li>
          </ul>
        );
      }}
    </Popup>
  );
}
