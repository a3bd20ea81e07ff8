import { useEffect } from 'preact/hooks';
import { key } from '../lib/history';
import { keep } from '../state/history';
import { go, place } from '../state/place';
import { begin, end, pause, tail } from '../state/tail';
import { LogList } from './LogList';
import { Problem } from './Problem';
import { Stale } from './Stale';

/** Lines as they come. */
export function Live({ round }: { round: number }) {
  const { project, resource, query } = place.value;
  useEffect(() => {
    begin({ project, resource, query });
    return end;
  }, [project, resource, query, round]);
  const { status, lines, at, error } = tail.value;
  useEffect(() => { if (status === 'on') keep(key(project, resource, 'logql'), query); }, [status === 'on', query]);
  const again = (): void => begin({ project, resource, query }, true);
  if (status === 'failed' && !at) return <Problem error={error} retry={again} />;
  return (
    <>
      {status === 'failed' && <Stale at={at} error={error} tries={false} retry={again} />}
      {lines.length
        ? <LogList lines={lines} />
        : status !== 'failed' && <div class="empty" role="status"><h2>{status === 'on' ? 'Waiting for lines …' : status === 'reconnecting' ? 'Reconnecting …' : 'Connecting …'}</h2><p>New lines appear here as they are logged.</p></div>}
    </>
  );
}

const WORDS = { off: '…', connecting: 'Connecting …', on: 'Live', reconnecting: 'Reconnecting …', failed: 'Not connected' } as const;

/** How the tail is, and what stops it. */
export function LiveTools() {
  const { paused, held, lines, dropped, status } = tail.value;
  return (
    <>
      <p class="count">
        <span class={`live ${paused && status === 'on' ? 'paused' : status}`} role="status">{paused && status === 'on' ? 'Paused' : WORDS[status]}</span>
        <span><b>{lines.length.toLocaleString('en')}</b> {lines.length === 1 ? 'line' : 'lines'}</span>
        {held.length > 0 && <button type="button" class="link" onClick={() => pause(false)}>{held.length.toLocaleString('en')} new</button>}
        {dropped > 0 && <span class="warning">{dropped.toLocaleString('en')} lines were dropped: narrow the query down</span>}
      </p>
      <button type="button" aria-pressed={paused} onClick={() => pause(!paused)}>{paused ? 'Go on' : 'Pause'}</button>
      <button type="button" onClick={() => go({ live: false })}>Stop</button>
    </>
  );
}
