import { LIMITS } from '../lib/place';
import { older, type Logs } from '../state/logs';
import { go, place } from '../state/place';
import { tail } from '../state/tail';
import { Download } from './Download';
import { LiveTools } from './Live';
import { Scope } from './Scope';
import { Share } from './Share';

/** What the list shows, and what can be done with it. */
export function LogTools({ logs }: { logs: Logs }) {
  const { wrap, limit, live } = place.value;
  const count = logs.lines.length;
  return (
    <div class="tools" role="toolbar" aria-label="Lines">
      {live ? <LiveTools /> : <>
      <p class="count" role="status">
        {count > 0 && <span><b>{count.toLocaleString('en')}</b> {count === 1 ? 'line' : 'lines'}{logs.more && ', the newest of more'}</span>}
        {logs.more && logs.status === 'ready' && <button type="button" class="link" onClick={() => void older(place.value)}>Load older</button>}
        {logs.warnings.map((warning) => <span class="warning" key={warning}>{warning}</span>)}
      </p>
      <button type="button" onClick={() => go({ live: true })}>Live</button>
      <label class="small">
        <span>Limit</span>
        <select value={String(limit)} onChange={(event) => go({ limit: Number(event.currentTarget.value) }, { replace: true })}>
          {LIMITS.map((each) => <option key={each} value={each}>{each.toLocaleString('en')}</option>)}
        </select>
      </label></>}
      <button type="button" aria-pressed={wrap} onClick={() => go({ wrap: !wrap }, { replace: true })}>Wrap</button>
      <Share />
      <Scope />
      <Download lines={live ? tail.value.lines : logs.lines} />
    </div>
  );
}
