// From values to what a canvas draws: numbers, and null where there is a gap.

import type { Line } from './series';

export type Drawn = (number | null)[];

/** What a line is drawn with. Logarithms have no place for zero and below. */
export function drawn({ values }: Line, log: boolean): Drawn {
  return values.map((value) => (value === null || !Number.isFinite(value) || (log && value <= 0) ? null : value));
}

/** Lines on top of each other, in their order: each is the sum of itself and those before it. A gap adds nothing,
 * and where no line has a value, there is none. What is above zero and what is below are two stacks. */
export function stack(lines: readonly Line[]): Drawn[] {
  const length = lines[0]?.values.length ?? 0;
  const above = new Array<number>(length).fill(0);
  const below = new Array<number>(length).fill(0);
  const any = Array.from({ length }, (_, at) => lines.some(({ values }) => isNumber(values[at])));
  return lines.map(({ values, min }) => {
    const sums = (min ?? 0) < 0 ? below : above;
    return values.map((value, at) => {
      if (isNumber(value)) sums[at]! += value;
      return any[at] ? sums[at]! : null;
    });
  });
}

const isNumber = (value: number | null | undefined): value is number => value !== null && value !== undefined && Number.isFinite(value);

/** Where a value stands alone: no line leads to it, and it is drawn as a point. */
export function alone(values: readonly (number | null | undefined)[]): number[] {
  const found: number[] = [];
  values.forEach((value, at) => {
    if (isNumber(value) && !isNumber(values[at - 1]) && !isNumber(values[at + 1])) found.push(at);
  });
  return found;
}

/** From where to where an axis goes for these values. */
export function bounds(min: number | null, max: number | null, log: boolean): [number, number] {
  if (min === null || max === null) return log ? [1, 10] : [0, 1];
  if (log) {
    const [low, high] = [10 ** Math.floor(Math.log10(min)), 10 ** Math.ceil(Math.log10(max))];
    return low === high ? [low, high * 10] : [low, high];
  }
  // From zero, so that what looks like half as much is half as much, unless all would be a flat line at the top.
  const low = min >= 0 && min < max * 0.8 ? 0 : min;
  const space = max === low ? Math.abs(max) * 0.1 || 1 : (max - low) * 0.06;
  return [low === 0 ? 0 : low - space, max === 0 && low < 0 ? 0 : max + space];
}

/** The dash of a line: those beyond the first round of colours are told apart by it. */
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
export const COLOURS = 8;
export const dash = (index: number): readonly number[] => DASHES[Math.floor(index / COLOURS) % DASHES.length]!;
