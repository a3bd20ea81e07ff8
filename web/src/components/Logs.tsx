import { useEffect, useState } from 'preact/hooks';
import { Refused } from '../api/request';
import { asksForLines } from '../lib/logql';
import { isRelative } from '../lib/time';
import { found, run, stop, volumes } from '../state/logs';
import { place } from '../state/place';
import { tail } from '../state/tail';
import { Heading } from './Heading';
import { Histogram } from './Histogram';
import { LogMetric } from './LogMetric';
import { LogList } from './LogList';
import { Empty } from './Empty';
import { Live } from './Live';
import { LogTools } from './LogTools';
import { Problem } from './Problem';
import { QueryBar } from './QueryBar';
import { refusal, type Refusal } from './QueryField';
import { Slow } from './Slow';
import { Stale } from './Stale';

/** The view of a resource's logs. */
export function Logs() {
  const { project, resource, query, from, to, limit, live, refresh } = place.value;
  const [round, setRound] = useState(0);
  const [refused, setRefused] = useState<Refusal>();
  const isLines = asksForLines(query);
  const again = (): void => setRound(round + 1);
  useEffect(() => {
    if (live || !isLines) return undefined;
    void run(place.value);
    return stop;
  }, [project, resource, query, from, to, limit, round, live, isLines]);
  const logs = found.value;
  const { status, error } = live ? tail.value : logs;
  // Where one may not look there is nothing to do with what one sees.
  const isClosed = status === 'failed' && error instanceof Refused && [403, 404].includes(error.status);
  // What is computed from lines is drawn as metrics are.
  if (!isLines) return <main class="view logs"><Heading unseen>Logs of {resource} in {project}</Heading><QueryBar again={again} failure={refused} /><LogMetric round={round} tell={([first]) => setRefused(first && refusal(query, first.error))} /></main>;
  return (
    <main class="view logs">
      <Heading unseen>Logs of {resource} in {project}</Heading>
      <QueryBar again={again} />
      {!live && <Histogram volume={volumes.value} />}
      {!isClosed && <LogTools logs={logs} />}
      {live ? (
        <div class="results"><Live round={round} /></div>
      ) : (
        <div class={`results ${logs.status} ${logs.at && logs.error !== undefined ? 'greyed' : ''}`} aria-busy={logs.status === 'loading'}>
          {logs.status === 'loading' && <Slow since={logs.since} />}
          {logs.at > 0 && logs.error !== undefined && <Stale at={logs.at} error={logs.error} tries={refresh > 0 && isRelative(from, to)} retry={again} />}
          {logs.status === 'failed' && !logs.at && <Problem error={logs.error} retry={again} marked={query} />}
          {(logs.status === 'ready' || (logs.status === 'failed' && logs.at > 0)) && !logs.lines.length && <Empty />}
          {logs.lines.length > 0 && <LogList lines={logs.lines} />}
        </div>
      )}
    </main>
  );
}
