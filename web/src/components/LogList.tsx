import { useCallback, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { rowAt, tops } from '../lib/heights';
import type { Line } from '../lib/lines';
import { wraps } from '../state/narrow';
import { place } from '../state/place';
import { LogRow } from './LogRow';

/** The height of a row that is neither open nor wrapped; the style sheet has the same. */
const ROW = 22;
/** Rows drawn beyond what is in sight. */
const BEYOND = 12;

/** Lines, of which those in sight are drawn: as smooth with five thousand as with fifty. */
export function LogList({ lines }: { lines: readonly Line[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState(0);
  const measured = useRef(new Map<string, number>());
  const [round, setRound] = useState(0);
  const { zone } = place.value;
  const wrap = wraps.value;

  const places = useMemo(
    () => tops(lines.map(({ key }) => (wrap || open.has(key) ? (measured.current.get(key) ?? ROW) : ROW))),
    [lines, wrap, open, round],
  );
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return undefined;
    const look = (): void => setView({ top: box.scrollTop, height: box.clientHeight });
    // Rows that are drawn say themselves when they have another height. What was measured of the others is
    // an estimate until they are drawn again, and a better one than none.
    const resize = new ResizeObserver(look);
    resize.observe(box);
    box.addEventListener('scroll', look, { passive: true });
    return () => {
      resize.disconnect();
      box.removeEventListener('scroll', look);
    };
  }, []);
  const measure = useCallback((key: string, height: number) => {
    if (measured.current.get(key) === height) return;
    measured.current.set(key, height);
    setRound((round) => round + 1);
  }, []);
  const toggle = useCallback((key: string) => {
    setOpen((open) => {
      const next = new Set(open);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  }, []);

  const first = Math.max(0, rowAt(places, view.top) - BEYOND);
  const last = Math.min(lines.length, rowAt(places, view.top + view.height) + BEYOND + 1);
  const focus = (index: number): void => {
    const to = Math.max(0, Math.min(lines.length - 1, index));
    const box = scroller.current;
    if (!box) return;
    setActive(to);
    const [top, bottom] = [places[to]!, places[to]! + ROW];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
    setView({ top: box.scrollTop, height: box.clientHeight });
    requestAnimationFrame(() => box.querySelector<HTMLElement>(`[data-row="${to}"] .open`)?.focus({ preventScroll: true }));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!(event.target as Element).classList.contains('open')) return;
    const page = Math.max(1, Math.floor(view.height / ROW) - 1);
    const to: Record<string, number> = {
      ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: lines.length - 1,
    };
    if (to[event.key] === undefined) return;
    event.preventDefault();
    focus(to[event.key]!);
  };
  const reachable = active >= first && active < last ? active : first;
  return (
    <div class={`list ${wrap ? 'wraps' : ''}`} ref={scroller} onKeyDown={onKeyDown}>
      <div class="rows" role="list" aria-label="Log lines, the newest first" style={{ height: `${places[lines.length] ?? 0}px` }}>
        {lines.slice(first, last).map((line, index) => (
          <LogRow key={line.key} line={line} index={first + index} count={lines.length} top={places[first + index]!} zone={zone}
            isOpen={open.has(line.key)} wraps={wrap} isReachable={first + index === reachable} toggle={toggle} measure={measure} reach={setActive} />
        ))}
      </div>
    </div>
  );
}
