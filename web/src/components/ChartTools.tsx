import type { ComponentChildren } from 'preact';
import { agreed, UNITS, UNIT_NAMES, type Unit } from '../lib/metrics/units';
import { go, place } from '../state/place';

/** How the chart is drawn. */
export function ChartTools({ queries, children }: { queries: readonly string[]; children?: ComponentChildren }) {
  const { stacked, log, unit, table } = place.value;
  const guessed = agreed(queries);
  return (
    <div class="chart-tools" role="toolbar" aria-label="Chart">
      <div class="segments" role="group" aria-label="Drawn as">
        <button type="button" aria-pressed={!stacked && !table} onClick={() => go({ stacked: false, table: false }, { replace: true })}>Lines</button>
        <button type="button" aria-pressed={stacked && !table} onClick={() => go({ stacked: true, log: false, table: false }, { replace: true })}>Stacked</button>
        <button type="button" aria-pressed={table} onClick={() => go({ table: true }, { replace: true })}>Table</button>
      </div>
      <button type="button" aria-pressed={log && !stacked} disabled={stacked || table} title={stacked ? 'Sums on a logarithmic scale would deceive' : 'Logarithmic scale'}
        onClick={() => go({ log: !log }, { replace: true })}>Log</button>
      <label class="small">
        <span>Unit</span>
        <select value={unit} onChange={(event) => go({ unit: event.currentTarget.value as Unit | '' }, { replace: true })}>
          <option value="">By its name: {UNIT_NAMES[guessed].toLowerCase()}</option>
          {UNITS.map((each) => <option key={each} value={each}>{UNIT_NAMES[each]}</option>)}
        </select>
      </label>
      <span class="more">{children}</span>
    </div>
  );
}
