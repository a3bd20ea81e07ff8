import type { Signal } from '@preact/signals';
import { dash } from '../lib/metrics/draw';
import { letter, type Aligned } from '../lib/metrics/series';
import { shades } from '../lib/metrics/shades';
import { format, type Unit } from '../lib/metrics/units';
import { moment } from '../lib/time';
import { place } from '../state/place';
import { Middle } from './Middle';

interface Props {
  data: Aligned;
  unit: Unit;
  only: readonly string[];
  hovered: Signal<number | null>;
  focus: (line: number | null) => void;
  choose?: (only: string[]) => void;
}

/** What each line is, with its last, least and greatest value; while something is pointed at, the value there. */
export function Legend({ data, unit, only, hovered, focus, choose }: Props) {
  const at = hovered.value;
  const time = at === null ? undefined : data.times[at];
  const colours = shades(data.lines);
  // Which query a series is of is said where there is more than one.
  const several = choose !== undefined && new Set(data.lines.map(({ query }) => query)).size > 1;
  const toggle = (name: string): void => choose?.(only.includes(name) ? only.filter((each) => each !== name) : [...only, name]);
  const isChosen = data.lines.some(({ name }) => only.includes(name));
  return (
    <div class="legend" tabIndex={data.lines.length > 6 && !choose ? 0 : undefined} role="group" aria-label="Legend">
      <table>
        <thead>
          <tr>
            <th scope="col">{choose && isChosen ? <button type="button" class="link" onClick={() => choose([])}>Show all</button> : <span class="unseen">Series</span>}</th>
            <th scope="col">{time === undefined ? 'last' : moment(time * 1000, place.value.zone).slice(11)}</th>
            <th scope="col">min</th>
            <th scope="col">max</th>
          </tr>
        </thead>
        <tbody onPointerLeave={() => focus(null)}>
          {data.lines.map((line, index) => {
            const name = <><Swatch line={index} shade={colours[index]!} />{several && <b class="of">{letter(line.query)}</b>}<span class="name"><Middle text={line.name} /></span></>;
            const isOut = isChosen && !only.includes(line.name);
            return (
              <tr key={`${line.query} ${line.name} ${index}`} class={isOut ? 'out' : ''} onPointerEnter={() => focus(index)}>
                <th scope="row">
                  {choose
                    ? <button type="button" aria-pressed={only.includes(line.name)} title="Show this series alone, or with those chosen already" onClick={() => toggle(line.name)} onFocus={() => focus(index)} onBlur={() => focus(null)}>{name}</button>
                    : <span class="entry">{name}</span>}
                </th>
                <td>{format(at === null ? line.last : line.values[at], unit)}</td>
                <td>{format(line.min, unit)}</td>
                <td>{format(line.max, unit)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** A piece of the line, with its colour and dash. */
function Swatch({ line, shade }: { line: number; shade: string }) {
  return (
    <svg class="swatch" style={{ color: `var(--${shade})` }} width="18" height="8" viewBox="0 0 18 8" aria-hidden="true">
      <line x1="1" y1="4" x2="17" y2="4" stroke="currentColor" stroke-width="2.5" stroke-dasharray={dash(line).map((part) => part * 0.7).join(' ')} />
    </svg>
  );
}
