import { expect, it } from 'vitest';
import { ends, histogram, moved, stacked, steps, tally } from '../src/lib/histogram';

it('steps cover a range, and stand at the end of what they count', () => {
  expect(steps({ start: 100_000, end: 160_000 }, 30)).toEqual({ start: 120, end: 180 });
  expect(steps({ start: 90_000, end: 150_000 }, 30)).toEqual({ start: 120, end: 150 });
  expect(steps({ start: 100_000, end: 101_000 }, 30)).toEqual({ start: 120, end: 120 });
});

it('counts of one level are one, by whatever name and label', () => {
  const found = histogram(
    [
      { metric: { level: 'WARN' }, values: [[120, '1'], [180, '2']] },
      { metric: { detected_level: 'warning' }, values: [[120, '4']] },
      { metric: { level: 'error' }, values: [[150, '3']] },
      { metric: {}, values: [[150, '1']] },
    ],
    { start: 120, end: 180 },
    30,
  );
  expect(found.times).toEqual([90, 120, 150]);
  expect(found.levels).toEqual([
    { level: 'error', counts: [0, 3, 0], total: 3 },
    { level: 'warn', counts: [5, 0, 2], total: 7 },
    { level: 'unknown', counts: [0, 1, 0], total: 1 },
  ]);
  expect(found.total).toBe(11);
  expect(stacked(found)).toEqual([[0, 3, 0], [5, 3, 2], [5, 4, 2]]);
});

it('what stands outside of the range or is no number counts nothing', () => {
  const found = histogram([{ metric: { level: 'info' }, values: [[60, '9'], [120, 'NaN'], [900, '9']] }], { start: 120, end: 150 }, 30);
  expect(found.total).toBe(0);
});

it('keys move a run of bars, widen it with Shift, and stop at the edges', () => {
  const run = { anchor: 4, head: 4 };
  expect(moved(run, 'ArrowLeft', false, 10)).toEqual({ anchor: 3, head: 3 });
  expect(moved(run, 'ArrowRight', true, 10)).toEqual({ anchor: 4, head: 5 });
  expect(moved(run, 'Home', true, 10)).toEqual({ anchor: 4, head: 0 });
  expect(moved(run, 'PageDown', false, 10)).toEqual({ anchor: 9, head: 9 });
  expect(moved(run, 'Tab', false, 10)).toBeUndefined();
  expect([ends({ anchor: 4, head: 1 }), ends(run)]).toEqual([[1, 5], [4, 5]]);
});

it('a run of bars is told by level', () => {
  const data = { times: [0, 10, 20], step: 10, total: 2003, levels: [{ level: 'error' as const, counts: [1, 2, 0], total: 3 }, { level: 'info' as const, counts: [2000, 0, 0], total: 2000 }] };
  expect(tally(data, [0, 2])).toEqual(['error 3', 'info 2,000']);
  expect(tally(data, [2, 3])).toEqual(['no lines']);
});
