// Stacked bars over time, by uPlot: loaded when there is something to draw.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { stacked, tally, type Histogram } from '../lib/histogram';
import { moment, type Zone } from '../lib/time';
import { clock, colour } from './axes';

interface Options {
  zone: Zone;
  /** Called with Unix milliseconds. */
  zoom: (from: number, to: number) => void;
}

export interface Bars {
  /** Shows which bars are meant, the first and the one behind the last; without any, none. */
  point: (bars: readonly [number, number] | undefined) => void;
  destroy: () => void;
}

/** As the style sheet has it, which is less on a telephone. */
const heightOf = (target: HTMLElement): number => target.clientHeight || 116;

export function bars(target: HTMLElement, data: Histogram, { zone, zoom }: Options): Bars {
  const sums = stacked(data);
  // The bars stand behind each other, the sum of all at the back.
  const order = data.levels.map((_, index) => index).reverse();
  const times = data.times;
  const ends: [number, number] = [times[0] ?? 0, (times.at(-1) ?? 0) + data.step];
  const font = '11px system-ui, sans-serif';
  const axis = { stroke: colour('muted'), font, ticks: { show: false }, grid: { stroke: colour('line'), width: 1 } };
  const path = uPlot.paths.bars!({ size: [0.86, 60], align: 1 });
  const chart = new uPlot(
    {
      width: target.clientWidth,
      height: heightOf(target),
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      ...(zone === 'utc' ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') } : {}),
      scales: { x: { time: true, range: () => ends }, y: { range: (_, __, most) => [0, Math.max(most, 1) * 1.05] } },
      axes: [
        { ...axis, size: 22, gap: 4, space: 70, grid: { show: false }, values: (_, splits) => splits.map((at) => clock(at, ends, zone)) },
        { ...axis, size: 44, gap: 4, values: (_, splits) => splits.map((each) => (Number.isInteger(each) ? short(each) : '')) },
      ],
      series: [{}, ...order.map((index) => ({ paths: path, fill: colour(`bar-${data.levels[index]!.level}`), width: 0, points: { show: false } }))],
      hooks: {
        setSelect: [
          (plot) => {
            if (plot.select.width < 3) return;
            zoom(plot.posToVal(plot.select.left, 'x') * 1000, plot.posToVal(plot.select.left + plot.select.width, 'x') * 1000);
          },
        ],
      },
    },
    [times, ...order.map((index) => sums[index]!)],
    target,
  );
  const { tip, show } = tooltip(chart, data, zone);
  const resize = new ResizeObserver(() => chart.setSize({ width: target.clientWidth, height: heightOf(target) }));
  resize.observe(target);
  const edge = (bar: number): number => chart.valToPos(data.times[0]! + bar * data.step, 'x');
  return {
    point(run) {
      const [left, right] = run ? [edge(run[0]), edge(run[1])] : [0, 0];
      chart.setSelect({ left, width: right - left, top: 0, height: run ? chart.over.clientHeight : 0 }, false);
      show(run, left, right);
    },
    destroy: () => {
      resize.disconnect();
      tip.remove();
      chart.destroy();
    },
  };
}

const short = (value: number): string => Intl.NumberFormat('en', { notation: 'compact' }).format(value);

/** What stands under the pointer, in words. */
function tooltip(chart: uPlot, data: Histogram, zone: Zone): { tip: HTMLElement; show: (run: readonly [number, number] | undefined, left: number, right: number) => void } {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  chart.over.append(tip);
  const show = (run: readonly [number, number] | undefined, left: number, right: number): void => {
    const time = run && data.times[run[0]];
    tip.hidden = time === undefined;
    if (!run || time === undefined) return;
    tip.textContent = [moment(time * 1000, zone), ...tally(data, run)].join('\n');
    // Beside what it tells of, where there is room.
    const { offsetWidth: width } = tip;
    const after = right + 12;
    tip.style.left = `${after + width <= chart.over.clientWidth ? after : Math.max(0, left - 12 - width)}px`;
  };
  chart.over.addEventListener('pointerleave', () => (tip.hidden = true));
  chart.over.addEventListener('pointermove', (event) => {
    // uPlot hears of the mouse after this, so its cursor is where the pointer was before.
    const left = event.clientX - chart.over.getBoundingClientRect().left;
    const index = Math.floor((chart.posToVal(left, 'x') - data.times[0]!) / data.step);
    show(index in data.times ? [index, index + 1] : undefined, left, left);
  });
  return { tip, show };
}
