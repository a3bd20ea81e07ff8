import { useState } from 'preact/hooks';
import { isRelative, moment, name, point, QUICK, span, type Zone } from '../lib/time';
import { go, place } from '../state/place';
import { Popup } from './Popup';

/** About which time is asked: quick, relative, or from one moment to another; and a step back or on. */
export function TimeRange() {
  const { from, to, zone } = place.value;
  const now = Date.now();
  const range = span(from, to, now);
  const move = (parts: number): void => {
    if (!range) return;
    const by = (range.end - range.start) * parts;
    const end = Math.min(range.end + by, now);
    go({ from: String(Math.round(end - (range.end - range.start))), to: String(Math.round(end)), refresh: 0, live: false });
  };
  return (
    <div class="range">
      <button type="button" title="Earlier" aria-label="Earlier" disabled={!range} onClick={() => move(-0.5)}>‹</button>
      <Popup class="end" label={<>{name(from, to, zone, now)}<span class="caret" aria-hidden="true">▾</span></>}>
        {(close) => <Ranges close={close} zone={zone} />}
      </Popup>
      <button type="button" title="Later" aria-label="Later" disabled={!range || isRelative('', to)} onClick={() => move(0.5)}>›</button>
    </div>
  );
}

function Ranges({ close, zone }: { close: () => void; zone: Zone }) {
  const { from, to } = place.value;
  const shown = (text: string): string => {
    const at = point(text, Date.now());
    return text.includes('now') || at === undefined ? text : moment(at, zone);
  };
  const [begin, setBegin] = useState(shown(from));
  const [end, setEnd] = useState(shown(to));
  const now = Date.now();
  const asPoint = (text: string): string => (text.includes('now') ? text.trim() : String(point(text, now, zone) ?? NaN));
  const isNone = [begin, end].map((text) => point(text, now, zone) === undefined);
  const isRange = span(asPoint(begin), asPoint(end), now) !== undefined;
  const apply = (event: Event): void => {
    event.preventDefault();
    if (!isRange) return;
    go({ from: asPoint(begin), to: asPoint(end), live: false });
    close();
  };
  const field = (name: string, text: string, set: (text: string) => void, isWrong: boolean, id: string) => (
    <div>
      <label>{name} <input value={text} onInput={(event) => set(event.currentTarget.value)} spellcheck={false} autocomplete="off" aria-invalid={isWrong} aria-describedby={isWrong ? `${id} range-help` : 'range-help'} /></label>
      {isWrong && <small id={id} class="mistake">{point(text, now, zone) !== undefined ? 'This is not after the first.' : text.trim() ? 'Not understood as a time.' : 'A time is missing.'}</small>}
    </div>
  );
  const isReversed = !isRange && !isNone.includes(true);
  return (
    <div class="ranges">
      <form onSubmit={apply}>
        {field('From', begin, setBegin, isNone[0]!, 'range-from')}
        {field('To', end, setEnd, isNone[1]! || isReversed, 'range-to')}
        <p id="range-help" class="hint" role="status">
          {isReversed ? 'The first has to be before the second.' : <>Such as <code>now-90m</code>, <code>2026-01-31</code> or <code>2026-01-31 14:00</code>, in {zone === 'utc' ? 'UTC' : 'local time'}.</>}
        </p>
        <button type="submit" class="primary wide" disabled={!isRange}>Apply</button>
      </form>
      <ul>
        {QUICK.map(([quick, label]) => (
          <li key={quick}>
            <button type="button" aria-pressed={from === quick && to === 'now'} onClick={() => { go({ from: quick, to: 'now' }); close(); }}>{label}</button>
          </li>
        ))}
      </ul>
    </div>
  );
}
