import { go, place } from '../state/place';

/** A range without lines, and what may help. */
export function Empty() {
  const { query, from, project, resource } = place.value;
  return (
    <div class="empty" role="status">
      <h2>No lines</h2>
      <p>{query ? 'Nothing in this range matches the query.' : 'This resource has logged nothing in this range.'}</p>
      {!query && (
        <>
          <p>What is sent to</p>
          <p><code>…/projects/{project}/resources/{resource}/loki/api/v1/push</code></p>
          <p>or over OTLP is here a moment later.</p>
        </>
      )}
      <p class="actions">
        {query && <button type="button" onClick={() => go({ query: '' })}>Remove the query</button>}
        {from !== 'now-24h' && <button type="button" onClick={() => go({ from: 'now-24h', to: 'now' })}>Look at the last 24 hours</button>}
      </p>
    </div>
  );
}
