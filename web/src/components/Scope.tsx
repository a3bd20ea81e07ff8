import { useEffect, useState } from 'preact/hooks';
import { scoped, type Language, type Scoped } from '../api/scope';
import { place } from '../state/place';
import { CopyButton } from './CopyButton';
import { Popup } from './Popup';
import { Query } from './Query';

interface Props {
  language?: Language;
  /** Those that are asked; the place's LogQL query unless others are named. */
  queries?: readonly string[];
}

/** What the backend sees of what is asked: the tenant, and the queries as they are sent. */
export function Scope({ language = 'logql', queries }: Props) {
  return <Popup class="end" label="What the backend sees">{() => <Seen language={language} queries={queries ?? [place.value.query]} />}</Popup>;
}

function Seen({ language, queries }: Required<Props>) {
  const { project, resource } = place.value;
  const [seen, setSeen] = useState<(Scoped | Error)[]>();
  const key = JSON.stringify(queries);
  useEffect(() => {
    const leaving = new AbortController();
    const ask = (query: string): Promise<Scoped | Error> =>
      scoped(project, resource, language, query, leaving.signal).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    void Promise.all(queries.map(ask)).then((all) => leaving.signal.aborted || setSeen(all));
    return () => leaving.abort();
  }, [project, resource, language, key]);
  const sent = seen?.filter((each): each is Scoped => !(each instanceof Error));
  const one = queries.length === 1;
  return (
    <dl class="seen" aria-live="polite">
      <dt>Tenant</dt>
      <dd><code>{sent ? sent[0]?.tenant ?? 'none' : '…'}</code><small>The project. Whatever a request says, the backend is told no other.</small></dd>
      <dt>{one ? 'Query, as the gateway sends it' : 'Queries, as the gateway sends them'}</dt>
      {(seen ?? [undefined]).map((each, index) => (
        <dd key={index}>
          {each instanceof Error
            ? <><small>Nothing: it is refused before a backend is asked.</small><pre>{each.message}</pre></>
            : each ? <Query language={language} text={each.query} /> : <code>…</code>}
        </dd>
      ))}
      <dd><small>Every selector has to match <code>resource_id="{resource}"</code> as well, whatever else it says.</small></dd>
      {sent?.length ? <dd><CopyButton label="Copy" title="Copy tenant and query" text={() => [`X-Scope-OrgID: ${sent[0]!.tenant}`, ...sent.map(({ query }) => query)].join('\n')} /></dd> : null}
    </dl>
  );
}
