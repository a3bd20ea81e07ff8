import { useEffect, useRef, useState } from 'preact/hooks';
import type { Bars } from '../charts/bars';
import { ends, moved, tally, type Histogram as Data, type Run } from '../lib/histogram';
import { moment } from '../lib/time';
import { dark } from '../state/theme';
import { go, place } from '../state/place';

interface Props {
  volume: { status: string; data?: Data; error?: unknown };
}

/** How many lines there were, by level and over time; dragging over a part of it looks closer, and so does Enter on bars chosen by the arrow keys. */
export function Histogram({ volume }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Bars | undefined>(undefined);
  const [failed, setFailed] = useState(false);
  const [run, setRun] = useState<Run>();
  const { data, status } = volume;
  const { zone } = place.value;
  const scheme = dark.value;
  const zoom = (from: number, to: number): void => go({ from: String(Math.round(from)), to: String(Math.round(to)), live: false, refresh: 0 });
  useEffect(() => {
    const target = box.current;
    if (!target || !data) return undefined;
    let gone = false;
    setRun(undefined);
    import('../charts/bars').then(
      ({ bars }) => {
        if (!gone) chart.current = bars(target, data, { zone, zoom });
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      chart.current?.destroy();
      chart.current = undefined;
    };
  }, [data, zone, scheme]);
  useEffect(() => chart.current?.point(run && ends(run)), [run]);
  const bars = data?.times.length ?? 0;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!data || !bars || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = { anchor: bars - 1, head: bars - 1 };
    const next = run ? moved(run, event.key, event.shiftKey, bars) : moved(last, event.key, false, bars) && last;
    if (next) setRun(next);
    else if (event.key === 'Escape' && run) setRun(undefined);
    else if (event.key === 'Enter' && run) zoom(...(ends(run).map((bar) => (data.times[0]! + bar * data.step) * 1000) as [number, number]));
    else return;
    event.preventDefault();
  };
  const said = (): string => {
    if (!data || !run) return 'Arrow keys choose a time, with Shift a longer one; Enter looks closer';
    const [first, behind] = ends(run);
    return `${moment((data.times[0]! + first * data.step) * 1000, zone)} to ${moment((data.times[0]! + behind * data.step) * 1000, zone)}: ${tally(data, [first, behind]).join(', ')}`;
  };
  if (status === 'idle' || (status === 'failed' && !data)) return null;
  return (
    <figure class={`histogram ${status}`} aria-label="Lines over time, by level">
      <div ref={box} class="chart" role="slider" tabIndex={0} aria-label="Time" aria-valuemin={0} aria-valuemax={Math.max(bars - 1, 0)} aria-valuenow={run?.head ?? Math.max(bars - 1, 0)} aria-valuetext={said()}
        onKeyDown={onKeyDown} onBlur={() => setRun(undefined)} />
      <figcaption>
        {data?.levels.map(({ level, total }) => (
          <span key={level} class={`level ${level}`}><i aria-hidden="true" />{level} <b>{total.toLocaleString('en')}</b></span>
        ))}
        {data && data.total === 0 && <span class="hint">No lines in this range.</span>}
        {(status === 'failed' || failed) && <span class="hint">The volume could not be counted.</span>}
      </figcaption>
    </figure>
  );
}
