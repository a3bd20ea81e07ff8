import { useMemo } from 'preact/hooks';
import { begin, board, over } from '../lib/metrics/board';
import { chartOf } from '../lib/metrics/queries';
import { own } from '../lib/own';
import { span, step } from '../lib/time';
import { known, stop } from '../state/metrics';
import { go, place } from '../state/place';
import { PanelChart } from './PanelChart';
import { Problem } from './Problem';
import { Slow } from './Slow';

/** How many points a panel has about; it decides over how long counters are read. */
const POINTS = 180;

/** What is worth seeing of a resource, from the names of its own metrics. */
export function Board({ round, again }: { round: number; again: () => void }) {
  const { from, to } = place.value;
  const { status, names, meta, labels, error, since } = known.value;
  const range = span(from, to, Date.now());
  const window = range ? over((range.end - range.start) / 1000, step(range, POINTS)) : '5m';
  const { panels, others } = useMemo(() => board(names, meta, labels, window), [names, meta, labels, window]);
  if (status === 'loading') return <Slow since={since} stop={stop} />;
  if (status === 'failed') return <Problem error={error} retry={again} />;
  if (status === 'idle') return <div class="empty" role="status"><h2>Nothing was asked</h2><p class="actions"><button type="button" onClick={again}>Look for metrics</button></p></div>;
  if (!names.length) return <None />;
  return (
    <div class="board">
      <div class="cards">
        {panels.map(({ group, title, queries, stacked, unit }) => (
          <article class="card" key={`${group} ${title}`}>
            <header>
              <h2><small>{group}</small>{title}</h2>
              <button type="button" class="quiet" aria-label={`Edit ${title}, ${group}`} onClick={() => go(chartOf(queries, stacked))}>Edit</button>
            </header>
            <PanelChart title={title} queries={queries} hidden={[]} only={[]} stacked={stacked} log={false} unit={unit} height={172} round={round} />
          </article>
        ))}
      </div>
      {others.length > 0 && (
        <section aria-labelledby="group-others">
          <h2 id="group-others">{panels.length ? 'Other metrics' : 'Metrics'}</h2>
          <ul class="names">
            {others.map((name) => (
              <li key={name}><button type="button" title={own(meta, name)?.help || undefined} onClick={() => go(chartOf([begin(name, meta, window)]))}>{name}</button></li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** A resource without metrics, and what may help. */
function None() {
  const { from, project, resource } = place.value;
  return (
    <div class="empty" role="status">
      <h2>No metrics</h2>
      <p>This resource has sent no metrics in this range. What is sent to</p>
      <p><code>…/projects/{project}/resources/{resource}/prometheus/api/v1/push</code></p>
      <p>or over OTLP is here a moment later.</p>
      {from !== 'now-24h' && <p class="actions"><button type="button" onClick={() => go({ from: 'now-24h', to: 'now' })}>Look at the last 24 hours</button></p>}
    </div>
  );
}
