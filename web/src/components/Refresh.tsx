import { useEffect, useRef } from 'preact/hooks';
import { REFRESHES } from '../lib/place';
import { isRelative } from '../lib/time';
import { go, place } from '../state/place';

const label = (seconds: number): string => (seconds === 0 ? 'Off' : seconds < 60 ? `${seconds} s` : `${seconds / 60} min`);

/**
 * Asks again every so often, while the page is looked at. While an answer is on its way it does not: asking
 * ends what was asked before, and a query that takes longer than the interval would never be answered.
 */
export function Refresh({ again, busy }: { again: () => void; busy: () => boolean }) {
  const { refresh, from, to, live } = place.value;
  const latest = useRef({ again, busy });
  latest.current = { again, busy };
  const works = isRelative(from, to) && !live;
  useEffect(() => {
    if (!refresh || !works) return undefined;
    const timer = setInterval(() => document.hidden || latest.current.busy() || latest.current.again(), refresh * 1000);
    return () => clearInterval(timer);
  }, [refresh, works]);
  return (
    <label class="refresh" title={works ? 'Refresh' : 'A range that does not end now stays as it is'}>
      <span aria-hidden="true">⟳</span><span class="unseen">Refresh every</span>
      <select value={String(refresh)} disabled={!works} onChange={(event) => go({ refresh: Number(event.currentTarget.value) }, { replace: true })}>
        {REFRESHES.map((seconds) => <option key={seconds} value={seconds}>{label(seconds)}</option>)}
      </select>
    </label>
  );
}
