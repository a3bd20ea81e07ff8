// Lines and stacked areas over time, by uPlot: loaded when there is something to draw.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { alone, bounds, dash, drawn, stack } from '../lib/metrics/draw';
import type { Aligned } from '../lib/metrics/series';
import { shades } from '../lib/metrics/shades';
import { format, marks, type Unit } from '../lib/metrics/units';
import type { Zone } from '../lib/time';
import { clock, colour } from './axes';
import { tooltip } from './tooltip';

export interface Options {
  unit: Unit;
  stacked: boolean;
  log: boolean;
  zone: Zone;
  height: number;
  /** Which lines are drawn; all where it is undefined. */
  shows: (line: number) => boolean;
  /** Called with Unix milliseconds. */
  zoom: (from: number, to: number) => void;
  /** Called with the index of the time under the pointer, of this chart or another one. */
  hover: (at: number | null) => void;
  /** Where the pointer was in the chart before this one. */
  pointer: Pointer | undefined;
}

export interface Pointer {
  left: number;
  top: number;
}

export interface Chart {
  destroy: () => void;
  /** Has a line stand out; none for null. */
  focus: (line: number | null) => void;
  pointer: () => Pointer | undefined;
}

/** All charts of the page have one pointer. Selections are not shared: only one of them is to zoom. */
const SYNC = 'explore';
const isMove = (type: string): boolean => type === 'mousemove' || type === 'mouseleave';

export function lines(target: HTMLElement, data: Aligned, options: Options): Chart {
  const { unit, log, zone, height, zoom, hover } = options;
  const shown = data.lines.map((_, index) => index).filter(options.shows);
  const stacked = options.stacked && shown.length > 1;
  const rows = stacked ? stack(shown.map((index) => data.lines[index]!)) : shown.map((index) => drawn(data.lines[index]!, log));
  const all = rows.flat().filter((value) => value !== null);
  const [least, most] = all.reduce<[number | null, number | null]>(([min, max], value) => [Math.min(min ?? value, value), Math.max(max ?? value, value)], [null, null]);
  const ends: [number, number] = [data.times[0] ?? 0, data.times.at(-1) ?? 1];
  const span = bounds(stacked && least !== null ? Math.min(0, least) : least, most, log);
  const axis = { stroke: colour('muted'), font: '11px system-ui, sans-serif', ticks: { show: false }, grid: { stroke: colour('line'), width: 1 } };
  const names = shades(data.lines);
  const ink = (line: number): string => colour(names[line] ?? 'text');
  let tip: ReturnType<typeof tooltip> | undefined;
  const chart = new uPlot(
    {
      width: target.clientWidth,
      height,
      padding: [10, 16, 0, 0],
      legend: { show: false },
      focus: { alpha: 0.25 },
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        focus: { prox: stacked ? -1 : 18 },
        points: { size: 6, width: 1.5, stroke: (_: uPlot, row: number) => ink(shown[row - 1] ?? 0), fill: colour('front') },
        sync: { key: SYNC, setSeries: false, scales: ['x', null], filters: { pub: isMove, sub: isMove } },
      },
      ...(zone === 'utc' ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
      scales: { x: { time: true, range: () => ends }, y: { range: () => span, ...(log ? { distr: 3 as const, log: 10 as const } : {}) } },
      axes: [
        { ...axis, size: 24, gap: 5, space: 70, grid: { show: false }, values: (_, splits) => splits.map((at) => clock(at, ends, zone)) },
        {
          ...axis, grid: { ...axis.grid, ...(log ? { filter: decades } : {}) }, size: (_, values) => Math.max(36, 14 + 6.2 * Math.max(0, ...(values ?? []).map((value) => value?.length ?? 0))), gap: 6, space: 34, ...increments(unit, most ?? 0, log),
          values: (_, splits) => (log ? splits.map((value) => (value === null ? '' : format(value, unit))) : marks(splits, unit)),
        },
      ],
      series: [
        {},
        ...shown.map((line, row) => ({
          // The edges of a stack have the background's colour: a line would make something of what is nothing.
          stroke: stacked ? colour('front') : ink(line),
          width: stacked ? 1 : 1.6,
          dash: stacked ? [] : [...dash(line)],
          ...(stacked ? { fill: `${ink(line)}b8` } : shown.length === 1 ? { fill: `${ink(line)}1f` } : {}),
          // What has no neighbour is a point; a line would not show it.
          points: { show: false, size: 5, fill: ink(line), width: 0, filter: () => alone(rows[row]!) },
        })),
      ],
      ...(stacked ? { bands: between(shown.map((line) => (data.lines[line]!.min ?? 0) < 0)) } : {}),
      hooks: {
        setSelect: [
          ({ select, posToVal }) => {
            if (select.width >= 3) zoom(posToVal(select.left, 'x') * 1000, posToVal(select.left + select.width, 'x') * 1000);
          },
        ],
        setCursor: [
          ({ cursor: { idx } }) => {
            hover(idx ?? null);
            tip?.show();
          },
        ],
      },
    },
    [data.times, ...rows] as uPlot.AlignedData,
    target,
  );
  tip = tooltip(chart, data, shown, { unit, zone, rows });
  if (options.pointer) chart.setCursor(options.pointer);
  const resize = new ResizeObserver(() => chart.setSize({ width: target.clientWidth, height }));
  resize.observe(target);
  return {
    destroy: () => {
      resize.disconnect();
      tip?.remove();
      chart.destroy();
    },
    focus: (line) => {
      const row = line === null ? -1 : shown.indexOf(line);
      chart.setSeries(row < 0 ? null : row + 1, { focus: row >= 0 });
    },
    pointer: () => {
      const { left = -1, top = -1 } = chart.cursor;
      return left < 0 || !chart.over.matches(':hover') ? undefined : { left, top };
    },
  };
}

/** Of the marks of a logarithmic axis, those that are a power of ten: the others make a hatching. */
const decades = (_: uPlot, splits: number[]): (number | null)[] => splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-9 ? value : null));

/** Areas between a line of a stack and the one before it of its side. */
function between(negative: readonly boolean[]): uPlot.Band[] {
  return negative.flatMap((side, row) => {
    const before = negative.lastIndexOf(side, row - 1);
    return row === 0 || before < 0 ? [] : [{ series: [row + 1, before + 1] as [number, number], dir: side ? (1 as const) : (-1 as const) }];
  });
}

/** Bytes are counted in twos, and times above a minute in sixties. */
function increments(unit: Unit, most: number, log: boolean): { incrs?: number[] } {
  if (log) return {};
  if (unit === 'bytes' || unit === 'bytes/s') return { incrs: Array.from({ length: 6 }, (_, power) => [1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 64, 100, 128, 200, 256, 512].map((each) => each * 1024 ** power)).flat() };
  const isLong = unit === 'seconds' && most >= 60;
  return isLong ? { incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, ...[1, 2, 5, 10, 20, 50, 100, 500, 1000].map((days) => days * 86400)] } : {};
}
