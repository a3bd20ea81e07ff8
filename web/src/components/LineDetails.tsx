import { useState } from 'preact/hooks';
import { iso } from '../lib/download';
import { fields } from '../lib/fields';
import type { Line } from '../lib/lines';
import { filter, type Kind } from '../lib/logql';
import { go, place } from '../state/place';
import { CopyButton } from './CopyButton';
import { Context } from './Context';
import { focusView } from './Heading';

/** All that is known about a line; each of it narrows the query by a click. */
export function LineDetails({ line }: { line: Line }) {
  const [context, setContext] = useState(false);
  const inText = fields(line.text);
  const known = new Set([line.labels, line.metadata, line.parsed].flatMap(Object.keys));
  const rest = Object.fromEntries(Object.entries(inText.values).filter(([name]) => !known.has(name)));
  const groups: [string, Kind, Record<string, string>][] = [
    ['Labels', 'label', line.labels],
    ['Structured metadata', 'metadata', line.metadata],
    ['Taken from the text by the query', 'parsed', line.parsed],
    ['In the text', inText.parser ?? 'json', rest],
  ];
  return (
    <div class="details">
      <div class="actions">
        <button type="button" onClick={() => setContext(true)}>Lines around it</button>
        <CopyButton label="Copy line" text={() => line.text} />
        <code class="hint">{iso(line.ns)}</code>
      </div>
      {groups.map(([title, kind, values]) => Object.keys(values).length > 0 && (
        <section key={title}>
          <h3>{title}</h3>
          <dl>{Object.entries(values).map(([name, value]) => <Field key={name} kind={kind} name={name} value={value} />)}</dl>
        </section>
      ))}
      {context && <Context line={line} close={() => setContext(false)} />}
    </div>
  );
}

function Field({ kind, name, value }: { kind: Kind; name: string; value: string }) {
  const narrow = (is: boolean): void => {
    focusView();
    go({ query: filter(place.value.query, kind, name, value, is), live: false });
  };
  // The resource is chosen above, and the gateway sets this label itself.
  const isOwn = kind === 'label' && name === 'resource_id';
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {isOwn ? <span class="value">{value}</span> : (
          <>
            <button type="button" class="value" title={`Only lines where ${name} is this`} onClick={() => narrow(true)}>{value || '""'}</button>
            <button type="button" class="not" title={`Only lines where ${name} is something else`} aria-label={`Only lines where ${name} is not ${value}`} onClick={() => narrow(false)}>≠</button>
          </>
        )}
      </dd>
    </div>
  );
}
