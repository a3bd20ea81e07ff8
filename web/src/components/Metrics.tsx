import { useEffect, useState } from 'preact/hooks';
import '../style/metrics.css';
import { chartOf } from '../lib/metrics/queries';
import { go, place } from '../state/place';
import { busy } from '../state/busy';
import { learn, stop } from '../state/metrics';
import { Board } from './Board';
import { Heading } from './Heading';
import { Queries } from './Queries';
import { Refresh } from './Refresh';
import { Share } from './Share';
import { TimeRange } from './TimeRange';

/** The view of a resource's metrics: its board, or a chart of one's own queries. */
export function Metrics() {
  const { project, resource, from, to, metrics } = place.value;
  const [round, setRound] = useState(0);
  const again = (): void => setRound(round + 1);
  const hasBoard = !metrics.length;
  useEffect(() => {
    if (!hasBoard) return undefined;
    void learn({ project, resource }, from, to);
    return stop;
  }, [project, resource, from, to, hasBoard, round]);
  return (
    <main class="view metrics">
      <Heading unseen>Metrics of {resource} in {project}</Heading>
      <div class="metrics-bar">
        <div class="own">
          {hasBoard
            ? <button type="button" onClick={() => go(chartOf(['']))}>Write a query</button>
            : <button type="button" onClick={() => go(chartOf([]))}><span aria-hidden="true">‹ </span>Board</button>}
          <Share />
        </div>
        <div class="when">
          <TimeRange />
          <Refresh again={again} busy={busy} />
          <button type="button" title="Ask again" aria-label="Ask again" onClick={again}>↻</button>
        </div>
      </div>
      {hasBoard ? <Board round={round} again={again} /> : <Queries round={round} again={again} />}
    </main>
  );
}
