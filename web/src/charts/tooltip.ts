// What is under the pointer, in words: the time, and the values next to it.

import type uPlot from 'uplot';
import type { Drawn } from '../lib/metrics/draw';
import type { Aligned } from '../lib/metrics/series';
import { shades } from '../lib/metrics/shades';
import { format, type Unit } from '../lib/metrics/units';
import { moment, type Zone } from '../lib/time';

/** Rows of a tooltip; the legend has the others. */
const ROWS = 8;

interface Options {
  unit: Unit;
  zone: Zone;
  /** What is drawn, which in a stack is not the values. */
  rows: readonly Drawn[];
}

export function tooltip(chart: uPlot, data: Aligned, shown: readonly number[], { unit, zone, rows }: Options): { show: () => void; remove: () => void } {
  const tip = document.createElement('div');
  tip.className = 'tip values';
  tip.hidden = true;
  chart.over.append(tip);
  const colours = shades(data.lines);
  const show = (): void => {
    const { left = -1, top = -1, idx } = chart.cursor;
    const time = idx === null || idx === undefined ? undefined : data.times[idx];
    // Charts share their pointer; one of them is under it.
    tip.hidden = time === undefined || left < 0 || !chart.over.matches(':hover');
    if (tip.hidden || time === undefined || idx === null || idx === undefined) return;
    const distance = (row: number): number => {
      const value = rows[row]?.[idx];
      return value === null || value === undefined ? Infinity : Math.abs(chart.valToPos(value, 'y') - top);
    };
    const near = shown.map((line, row) => ({ line, row, far: distance(row), value: data.lines[line]!.values[idx] ?? null })).filter(({ value }) => value !== null);
    const nearest = near.reduce<(typeof near)[number] | undefined>((best, each) => (each.far < (best?.far ?? 18) ? each : best), undefined);
    const few = [...near].sort((one, other) => one.far - other.far).slice(0, ROWS).sort((one, other) => (rows[other.row]![idx] ?? 0) - (rows[one.row]![idx] ?? 0));
    const head = document.createElement('b');
    head.textContent = moment(time * 1000, zone);
    tip.replaceChildren(head, ...few.map(({ line, value }) => reading(data.lines[line]!.name, colours[line]!, format(value, unit), line === nearest?.line)));
    if (near.length > few.length) tip.append(note(`and ${near.length - few.length} more`));
    if (!near.length) tip.append(note('no values'));
    const room = chart.over.clientWidth;
    const beside = left < room / 2 ? left + 14 : left - 14 - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(beside, room - tip.offsetWidth))}px`;
  };
  return { show, remove: () => tip.remove() };
}

function reading(name: string, shade: string, value: string, isNearest: boolean): HTMLElement {
  const box = document.createElement('span');
  box.className = `reading${isNearest ? ' nearest' : ''}`;
  box.style.color = `var(--${shade})`;
  for (const [kind, text] of [['swatch', ''], ['name', name], ['value', value]] as const) {
    const part = document.createElement('span');
    part.className = kind;
    part.textContent = text;
    box.append(part);
  }
  return box;
}

function note(text: string): HTMLElement {
  const box = document.createElement('span');
  box.className = 'hint';
  box.textContent = text;
  return box;
}
