import type { Signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chart, Pointer } from '../charts/lines';
import type { Aligned } from '../lib/metrics/series';
import type { Unit } from '../lib/metrics/units';
import { go, place } from '../state/place';
import { dark } from '../state/theme';

interface Props {
  data: Aligned;
  unit: Unit;
  stacked: boolean;
  log: boolean;
  only: readonly string[];
  height: number;
  chart: { current: Chart | undefined };
  hovered: Signal<number | null>;
}

/** The picture of a chart. What it shows, legend and table say as well. */
export function Canvas({ data, unit, stacked, log, only, height, chart, hovered }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const pointer = useRef<Pointer | undefined>(undefined);
  const [failed, setFailed] = useState(false);
  const { zone } = place.value;
  const scheme = dark.value;
  const chosen = only.join('\n');
  useEffect(() => {
    const target = box.current;
    if (!target) return undefined;
    let gone = false;
    const zoom = (from: number, to: number): void => go({ from: String(Math.round(from)), to: String(Math.round(to)), refresh: 0 });
    const shows = (line: number): boolean => !only.length || only.includes(data.lines[line]!.name) || !data.lines.some(({ name }) => only.includes(name));
    import('../charts/lines').then(
      ({ lines }) => {
        if (gone) return;
        chart.current = lines(target, data, { unit, stacked, log: log && !stacked, zone, height, shows, zoom, hover: (at) => (hovered.value = at), pointer: pointer.current });
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      // A chart that is drawn anew under the pointer goes on where it was.
      pointer.current = chart.current?.pointer();
      chart.current?.destroy();
      chart.current = undefined;
      hovered.value = null;
    };
  }, [data, unit, stacked, log, zone, scheme, height, chosen]);
  return (
    <>
      <div ref={box} class="chart" style={{ height: `${height}px` }} aria-hidden="true" />
      {failed && <p class="note">The chart could not be loaded; the table shows the same.</p>}
    </>
  );
}
