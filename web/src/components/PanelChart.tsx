import { useSignal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Language } from '../api/metrics';
import type { Chart } from '../charts/lines';
import { key as pastOf } from '../lib/history';
import { isRelative } from '../lib/time';
import { agreed, type Unit } from '../lib/metrics/units';
import { MOST, letter, room } from '../lib/metrics/series';
import { keep } from '../state/history';
import { go, place } from '../state/place';
import { panel, type Failure } from '../state/panel';
import { Canvas } from './Canvas';
import { Legend } from './Legend';
import { Problem } from './Problem';
import { SeriesTable } from './SeriesTable';
import { Slow } from './Slow';
import { Stale } from './Stale';

interface Props {
  title: string;
  queries: readonly string[];
  language?: Language;
  hidden: readonly number[];
  only: readonly string[];
  stacked: boolean;
  log: boolean;
  unit: Unit | '';
  height: number;
  table?: boolean;
  /** Another one asks again. */
  round: number;
  /** Called with the names of the series that are to be shown alone; without it, they cannot be chosen. */
  choose?: (only: string[]) => void;
  /** Called with what was refused, whenever that changes. */
  tell?: (failures: readonly Failure[]) => void;
}

/** The answers to a few queries in one chart, with all that may come instead. */
export function PanelChart({ title, queries, language = 'promql', hidden, only, stacked, log, unit, height, table, round, choose, tell }: Props) {
  const { project, resource, from, to, refresh } = place.value;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | undefined>(undefined);
  const hovered = useSignal<number | null>(null);
  const [own] = useState(panel);
  const [points, setPoints] = useState<number>();
  const [again, setAgain] = useState(0);
  useEffect(() => {
    if (!box.current) return undefined;
    const watch = new ResizeObserver(([entry]) => setPoints(room(entry!.contentRect.width)));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const asked = queries.map((query, index) => ({ query: query.trim(), index })).filter(({ query, index }) => query && !hidden.includes(index));
  const key = JSON.stringify(asked);
  useEffect(() => {
    if (points !== undefined) void own.run({ project, resource, language, queries: asked, from, to, points, called: choose ? undefined : title });
  }, [project, resource, language, key, from, to, points, round, again]);
  useEffect(() => own.stop, []);
  const { status, data, failures, warnings, since, at, stale } = own.state.value;
  useEffect(() => tell?.(failures), [failures]);
  useEffect(() => {
    // One's own queries are kept once they are answered; those of the board are nobody's.
    if (!choose || status !== 'ready' || !at) return;
    for (const { query, index } of asked) if (!failures.some((failure) => failure.index === index)) keep(pastOf(project, resource, language), query);
  }, [at]);
  const how = unit || agreed(asked.filter(({ index }) => !failures.some((failure) => failure.index === index)).map(({ query }) => query));
  const [first] = failures;
  return (
    <div ref={box} class={`panel-chart ${status} ${stale ? 'greyed' : ''}`} aria-busy={status === 'loading'}>
      {status === 'loading' && <Slow since={since} stop={own.stop} />}
      {first && stale && <Stale at={at} error={first.error} tries={refresh > 0 && isRelative(from, to)} retry={() => setAgain(again + 1)} />}
      {first && status !== 'loading' && !stale && (
        <>
          {choose && queries.length > 1 && <p class="of">Query {failures.map(({ index }) => letter(index)).join(', ')}</p>}
          <Problem error={first.error} retry={() => setAgain(again + 1)} marked={tell && queries[first.index]} />
        </>
      )}
      {data && (data.lines.length ? (
        <figure aria-label={`${title}: ${data.lines.length} series over time`}>
          {table
            ? <SeriesTable data={data} unit={how} only={only} />
            : <Canvas data={data} unit={how} stacked={stacked} log={log} only={only} height={height} chart={chart} hovered={hovered} />}
          <figcaption>
            <Notes data={data} warnings={warnings} log={log && !stacked && !table} />
            {!table && <Legend data={data} unit={how} only={only} hovered={hovered} focus={(line) => chart.current?.focus(line)} {...(choose ? { choose } : {})} />}
          </figcaption>
        </figure>
      ) : (
        status === 'ready' && (!failures.length || data.histograms > 0) && <Nothing histograms={data.histograms} height={height} />
      ))}
      {status === 'idle' && asked.length > 0 && points !== undefined && (
        <p class="stopped" role="status" style={{ minHeight: `${height}px` }}>Stopped. <button type="button" onClick={() => setAgain(again + 1)}>Ask again</button></p>
      )}
      {!data && status === 'loading' && <div style={{ height: `${height}px` }} />}
    </div>
  );
}

/** What the chart does not show, in words. */
function Notes({ data, warnings, log }: { data: { lines: { min: number | null }[]; total: number; odd: number; histograms: number }; warnings: string[]; log: boolean }) {
  const notes = [...warnings];
  if (data.total > data.lines.length) notes.push(`${MOST} of ${data.total.toLocaleString('en')} series are shown, those with the greatest values. An aggregation such as sum by (…) or topk(10, …) makes fewer of them.`);
  if (data.odd > 0) notes.push(`${data.odd.toLocaleString('en')} ${data.odd === 1 ? 'value is' : 'values are'} NaN or infinite, and drawn as gaps.`);
  if (data.histograms > 0) notes.push(`${data.histograms} series are native histograms: histogram_quantile(0.95, …) makes numbers of them.`);
  if (log && data.lines.some(({ min }) => min !== null && min <= 0)) notes.push('Zero and what is below have no place on a logarithmic scale.');
  return <>{notes.map((note) => <p class="note" key={note}>{note}</p>)}</>;
}

function Nothing({ histograms, height }: { histograms: number; height: number }) {
  const { from } = place.value;
  return (
    <div class="empty" role="status" style={{ minHeight: `${height}px` }}>
      <h2>{histograms ? 'Histograms, no numbers' : 'No values'}</h2>
      <p>{histograms ? <>These are native histograms. <code>histogram_quantile(0.95, …)</code> makes numbers of them.</> : 'Nothing in this range matches.'}</p>
      {!histograms && from !== 'now-24h' && <p class="actions"><button type="button" onClick={() => go({ from: 'now-24h', to: 'now' })}>Look at the last 24 hours</button></p>}
    </div>
  );
}
