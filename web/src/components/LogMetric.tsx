import '../style/metrics.css';
import type { Failure } from '../state/panel';
import { go, place } from '../state/place';
import { ChartTools } from './ChartTools';
import { PanelChart } from './PanelChart';
import { Scope } from './Scope';
import { Share } from './Share';

/** What a LogQL query computes from lines, over time. */
export function LogMetric({ round, tell }: { round: number; tell: (failures: readonly Failure[]) => void }) {
  const { query, only, stacked, log, unit, table } = place.value;
  return (
    <section class="card single" aria-label="Chart">
      <ChartTools queries={[query]}><Share /><Scope queries={[query]} /></ChartTools>
      <PanelChart title="Your query" language="logql" queries={[query]} hidden={[]} only={only} stacked={stacked} log={log} unit={unit} table={table} height={340} round={round} tell={tell}
        choose={(names) => go({ only: names }, { replace: true })} />
    </section>
  );
}
