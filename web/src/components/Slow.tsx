import { useEffect, useState } from 'preact/hooks';
import { stop as stopLogs } from '../state/logs';

/** Says that something is on its way; after a while, that it takes long, and how it is stopped. */
export function Slow({ since, stop = stopLogs }: { since: number; stop?: () => void }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - since) / 1000)), 1000);
    return () => clearInterval(timer);
  }, [since]);
  return (
    <div class="slow" role="status">
      <div class="bar" aria-hidden="true" />
      {seconds >= 3 ? (
        <p>{seconds} s … {seconds >= 8 && 'A shorter range or a narrower selector is quicker. '}<button type="button" onClick={stop}>Stop</button></p>
      ) : (
        <p class="unseen">Loading</p>
      )}
    </div>
  );
}
