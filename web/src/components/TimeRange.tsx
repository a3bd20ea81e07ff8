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
  const asPoint = (text: string): string => {
    if (text.includes('now')) return text.trim();
    const dated = zone === 'utc' && /\d$/.test(text) && /:/.test(text) ? `${text}Z` : text;
    return String(point(dated, now) ?? NaN);
  };
  const isRange = span(asPoint(begin), asPoint(end), now) !== undefined;
  const apply = (event: Event): void => {
    event.preventDefault();
    if (!isRange) return;
    go({ from: asPoint(begin), to: asPoint(end), live: false });
    close();
  };
  return (
    <div class="ranges">
      <form onSubmit={apply}>
        <label>From <input value={begin} onInput={(event) => setBegin(event.currentTarget.value)} spellcheck={false} autocomplete="off" aria-describedby="range-help" /></label>
        <label>To <input value={end} onInput={(event) => setEnd(event.currentTarget.value)} spellcheck={false} autocomplete="off" aria-describedby="range-help" /></label>
        <p id="range-help" class="hint" role="status">
          {isRange ? <>Such as <code>now-90m</code> or <code>2026-01-31 14:00</code>, in {zone === 'utc' ? 'UTC' : 'local time'}.</> : 'This is no range: the first has to be before the second.'}
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
