import type { Aligned } from '../lib/metrics/series';
import { format, type Unit } from '../lib/metrics/units';
import { moment } from '../lib/time';
import { place } from '../state/place';

/** The most series that have a column. */
const COLUMNS = 12;

/** The values themselves, the newest first: for who does not see the chart, or wants the number. */
export function SeriesTable({ data, unit, only }: { data: Aligned; unit: Unit; only: readonly string[] }) {
  const chosen = data.lines.filter(({ name }) => only.includes(name));
  const lines = (chosen.length ? chosen : data.lines).slice(0, COLUMNS);
  const left = (chosen.length || data.lines.length) - lines.length;
  const rows = data.times.map((time, at) => ({ time, at })).reverse();
  return (
    <>
      {left > 0 && <p class="hint">The first {COLUMNS} series; {left} more are in the chart, where the legend chooses among them.</p>}
      <div class="values-table" tabIndex={0} role="region" aria-label="Values">
        <table>
          <thead><tr><th scope="col">Time</th>{lines.map(({ name }, index) => <th scope="col" key={index}>{name}</th>)}</tr></thead>
          <tbody>
            {rows.map(({ time, at }) => (
              <tr key={time}><th scope="row">{moment(time * 1000, place.value.zone)}</th>{lines.map(({ values }, index) => <td key={index}>{format(values[at], unit)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
