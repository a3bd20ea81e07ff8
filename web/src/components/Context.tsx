import { useEffect, useRef, useState } from 'preact/hooks';
import { logs } from '../api/logs';
import { newestFirst, type Line } from '../lib/lines';
import { streamOf } from '../lib/logql';
import { stamp } from '../lib/time';
import { place } from '../state/place';
import { Problem } from './Problem';

/** How far around a line is looked, and how many lines are shown at first, before and after it. */
const HOURS = 24n * 3_600_000_000_000n;
const FEW = 15;

/** What else the stream of a line said before and after it. */
export function Context({ line, close }: { line: Line; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [count, setCount] = useState(FEW);
  const [found, setFound] = useState<{ lines?: Line[]; error?: unknown }>({});
  const [round, setRound] = useState(0);
  const { project, resource, zone } = place.value;
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    const leaving = new AbortController();
    const asked = { project, resource, query: streamOf(line.labels) };
    const at = BigInt(line.ns);
    const before = { start: String(at - HOURS), end: line.ns, limit: count, direction: 'backward' } as const;
    const after = { start: line.ns, end: String(at + HOURS), limit: count + 1, direction: 'forward' } as const;
    Promise.all([logs(asked, before, leaving.signal), logs(asked, after, leaving.signal)]).then(
      ([one, other]) => setFound({ lines: [...other.lines, ...one.lines].sort(newestFirst).reverse() }),
      (error: unknown) => leaving.signal.aborted || setFound({ error }),
    );
    return () => leaving.abort();
  }, [count, round]);
  const self = (other: Line): boolean => other.ns === line.ns && other.text === line.text;
  return (
    <dialog ref={dialog} class="context" aria-label="Lines around this one" onClose={close} onClick={(event) => { event.stopPropagation(); if (event.target === dialog.current) close(); }}>
      <header>
        <h2>Lines of the same stream around it</h2>
        <button type="button" onClick={close}>Close</button>
      </header>
      {found.error !== undefined && <Problem error={found.error} retry={() => setRound(round + 1)} />}
      <ol tabIndex={0} aria-label="Lines">
        {found.lines?.map((other) => (
          <li key={other.key} class={`${other.level} ${self(other) ? 'self' : ''}`} aria-current={self(other) || undefined}
            ref={(element) => { if (element && self(other) && count === FEW) element.scrollIntoView({ block: 'center' }); }}>
            <time>{stamp(other.ms, zone).slice(11)}</time><span class="severity">{other.level === 'unknown' ? '' : other.level}</span><span class="text">{other.text}</span>
          </li>
        ))}
      </ol>
      <footer><button type="button" disabled={!found.lines} onClick={() => setCount(count * 3)}>More before and after</button></footer>
    </dialog>
  );
}
