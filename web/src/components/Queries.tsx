import { useEffect, useState } from 'preact/hooks';
import { letter } from '../lib/metrics/series';
import { MOST_QUERIES } from '../lib/place';
import { added, chartOf, removed, toggled } from '../lib/metrics/queries';
import type { Failure } from '../state/panel';
import { go, place, waits, want } from '../state/place';
import { ChartTools } from './ChartTools';
import { History } from './History';
import { PanelChart } from './PanelChart';
import { given, QueryField, refusal } from './QueryField';
import { Scope } from './Scope';

/** One's own queries, and all of their answers in one chart. */
export function Queries({ round, again }: { round: number; again: () => void }) {
  const { metrics, hidden, only, stacked, log, unit, table } = place.value;
  const [drafts, setDrafts] = useState(() => metrics.map(given));
  const [failures, setFailures] = useState<readonly Failure[]>([]);
  const key = JSON.stringify(metrics);
  useEffect(() => setDrafts(metrics.map(given)), [key]);
  const now = { metrics: drafts.map(({ text }) => text.trim()), hidden };
  const shown = metrics.filter((query, index) => query && !hidden.includes(index));
  const submit = (): void => {
    want(place.value);
    if (JSON.stringify(now.metrics) === key) again();
    else go({ metrics: now.metrics, only: [] });
  };
  const remove = (index: number): void => {
    const rest = removed(now, index);
    go(rest.metrics.length ? { ...rest, only: [] } : chartOf([]));
  };
  /** Takes a query again: in the place of an empty one, or as one more. */
  const pick = (query: string): void => {
    const free = now.metrics.indexOf('');
    if (free < 0 && now.metrics.length >= MOST_QUERIES) return;
    go({ metrics: free < 0 ? [...now.metrics, query] : now.metrics.with(free, query), only: [] });
  };
  const refused = (index: number) => {
    const failure = failures.find((each) => each.index === index);
    return failure && refusal(metrics[index] ?? '', failure.error);
  };
  return (
    <>
      <form class="queries" onSubmit={(event) => { event.preventDefault(); submit(); }}>
        <ol>
          {drafts.map((draft, index) => {
            const isHidden = hidden.includes(index);
            const name = letter(index);
            return (
              <li key={index} class={isHidden ? 'out' : ''}>
                {/* The letter is what the legend and errors call the query by. */}
                <button type="button" class="letter" aria-pressed={!isHidden} aria-label={`Query ${name} is shown`} title={isHidden ? `Show ${name}` : `Hide ${name}`}
                  onClick={() => go(toggled(now, index), { replace: true })}>{name}</button>
                <QueryField language="promql" label={`PromQL query ${name}`} draft={draft} submit={submit} refused={refused(index)}
                  change={(changed) => setDrafts((before) => before.map((each, at) => (at === index ? changed : each)))} />
                <button type="button" class="quiet" aria-label={`Remove query ${name}`} title={`Remove ${name}`} onClick={() => remove(index)}>✕</button>
              </li>
            );
          })}
        </ol>
        <div class="actions">
          <button type="button" disabled={drafts.length >= MOST_QUERIES} onClick={() => go(added(now))}>Add a query</button>
          <History language="promql" pick={pick} />
          <button type="submit" class="primary" title="Run (Enter)">Run</button>
        </div>
      </form>
      {waits(place.value) ? (
        <div class="empty" role="status">
          <h2>These are many queries</h2>
          <p>The link brought {metrics.filter(Boolean).length} queries, so they do not run by themselves. Run them if you trust where it came from.</p>
          <p class="actions"><button type="button" class="primary" onClick={() => want(place.value)}>Run all</button></p>
        </div>
      ) : shown.length ? (
        <section class="card single" aria-label="Chart">
          <ChartTools queries={shown}><Scope language="promql" queries={shown} /></ChartTools>
          <PanelChart title="Your queries" queries={metrics} hidden={hidden} only={only} stacked={stacked} log={log} unit={unit} table={table} height={340} round={round}
            choose={(names) => go({ only: names }, { replace: true })} tell={setFailures} />
        </section>
      ) : (
        <div class="empty" role="status">
          <h2>{metrics.some(Boolean) ? 'All queries are hidden' : 'Ask something'}</h2>
          <p>{metrics.some(Boolean) ? 'The letter beside a query shows it again.' : 'A metric’s name is a query already; Enter runs it. The board has some to begin with.'}</p>
        </div>
      )}
    </>
  );
}
