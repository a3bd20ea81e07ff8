import { memo } from './memo';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Line } from '../lib/lines';
import { stamp, type Zone } from '../lib/time';
import { tint } from '../lib/tint';
import { LineDetails } from './LineDetails';

interface Props {
  line: Line;
  index: number;
  count: number;
  top: number;
  zone: Zone;
  isOpen: boolean;
  wraps: boolean;
  /** Whether Tab leads here; arrows lead on. */
  isReachable: boolean;
  toggle: (key: string) => void;
  measure: (key: string, height: number) => void;
  reach: (index: number) => void;
}

/** One line of a log, and below it what is known about it. */
export const LogRow = memo(({ line, index, count, top, zone, isOpen, wraps, isReachable, toggle, measure, reach }: Props) => {
  const row = useRef<HTMLDivElement>(null);
  const varies = isOpen || wraps;
  useLayoutEffect(() => {
    const box = row.current;
    if (!box || !varies) return undefined;
    // Once before it is painted, and whenever it changes: rows below stand where this one ends.
    const look = (): void => measure(line.key, box.getBoundingClientRect().height);
    look();
    const resize = new ResizeObserver(look);
    resize.observe(box);
    return () => resize.disconnect();
  }, [varies, isOpen, wraps, line.key]);
  const onClick = (): void => {
    // Who marks text wants the text.
    if (getSelection()?.isCollapsed ?? true) toggle(line.key);
  };
  const time = stamp(line.ms, zone);
  return (
    <div class={`row ${line.level} ${isOpen ? 'opened' : ''}`} role="listitem" aria-setsize={count} aria-posinset={index + 1}
      data-row={index} ref={row} style={{ transform: `translateY(${top}px)` }}>
      <div class="line" onClick={onClick}>
        <button type="button" class="open" aria-expanded={isOpen} tabIndex={isReachable ? 0 : -1} onFocus={() => reach(index)}
          aria-label={`Details of the line at ${time}`} onClick={(event) => { event.stopPropagation(); toggle(line.key); }}>
          <span aria-hidden="true">{isOpen ? '▾' : '▸'}</span>
        </button>
        <time dateTime={new Date(line.ms).toISOString()}><span class="date">{time.slice(0, 11)}</span>{time.slice(11)}</time>
        <span class="severity">{line.level === 'unknown' ? '' : line.level}</span>
        <span class="text">{tint(line.text).map(({ text, isName }) => (isName ? <span class="name">{text}</span> : text))}</span>
      </div>
      {isOpen && <LineDetails line={line} />}
    </div>
  );
});
