import { useState } from 'preact/hooks';
import { LIMITS } from '../lib/place';
import { older, type Logs } from '../state/logs';
import { narrow, wraps } from '../state/narrow';
import { go, place } from '../state/place';
import { tail } from '../state/tail';
import { Download } from './Download';
import { LiveTools } from './Live';
import { Scope } from './Scope';
import { Share } from './Share';

/** What the list shows, and what can be done with it; on a telephone, what is seldom done is behind a button. */
export function LogTools({ logs }: { logs: Logs }) {
  const { limit, live } = place.value;
  const [open, setOpen] = useState(false);
  const wrap = wraps.value;
  const count = logs.lines.length;
  const isFolded = narrow.value && !open;
  return (
    <div class="tools" role="toolbar" aria-label="Lines">
      {live ? <LiveTools /> : <>
      <p class="count" role="status">
        {count > 0 && <span><b>{count.toLocaleString('en')}</b> {count === 1 ? 'line' : 'lines'}{logs.more && <span class="rest">, the newest of more</span>}</span>}
        {logs.more && logs.status === 'ready' && <button type="button" class="link" onClick={() => void older(place.value)}>Load older</button>}
        {logs.warnings.map((warning) => <span class="warning" key={warning}>{warning}</span>)}
      </p>
      <button type="button" onClick={() => go({ live: true })}>Live</button></>}
      {narrow.value && <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>More</button>}
      {!isFolded && <>
        {!live && <label class="small">
          <span>Limit</span>
          <select value={String(limit)} onChange={(event) => go({ limit: Number(event.currentTarget.value) }, { replace: true })}>
            {LIMITS.map((each) => <option key={each} value={each}>{each.toLocaleString('en')}</option>)}
          </select>
        </label>}
        <button type="button" aria-pressed={wrap} onClick={() => go({ wrap: !wrap }, { replace: true })}>Wrap</button>
        <Share />
        <Scope />
        <Download lines={live ? tail.value.lines : logs.lines} range={live ? undefined : logs.range} />
      </>}
    </div>
  );
}
