import { describe, expect, it } from 'vitest';
import { alone, bounds, dash, drawn, stack } from '../src/lib/metrics/draw';
import { added, removed, toggled } from '../src/lib/metrics/queries';
import { align, grid, letter, room, type Given } from '../src/lib/metrics/series';

const GRID = { start: 60, end: 120, step: 15 };
const given = (metric: Record<string, string>, ...values: [number, string][]): Given => ({ metric, values });
const one = (query: string, ...series: Given[]) => align([{ query, index: 0, series }], GRID);

describe('the times of a chart', () => {
  it('are multiples of the step, inside the range', () => {
    expect(grid({ start: 61_000, end: 119_000 }, 15)).toEqual({ start: 75, end: 105, step: 15 });
    expect(grid({ start: 60_000, end: 120_000 }, 15)).toEqual(GRID);
  });
  it('are one at least, where the range is shorter than a step', () => expect(grid({ start: 61_000, end: 62_000 }, 15)).toEqual({ start: 60, end: 60, step: 15 }));
  it('stay the same when a window is resized by little', () => {
    expect(room(1200)).toBe(room(1230));
    expect([room(0), room(99999)]).toEqual([60, 480]);
  });
});

describe('series on one grid', () => {
  it('have null where there is no sample, and keep NaN and infinities as they came', () => {
    const { lines, odd, times } = one('a', given({ pod: 'x' }, [60, '1'], [90, 'NaN'], [105, '+Inf'], [120, '-2']));
    expect(times).toEqual([60, 75, 90, 105, 120]);
    expect(lines[0]!.values).toEqual([1, null, NaN, Infinity, -2]);
    expect(lines[0]).toMatchObject({ last: -2, min: -2, max: 1 });
    expect(odd).toBe(2);
  });
  it('lose samples that are outside of it', () => expect(one('a', given({}, [45, '1'], [135, '1'], [60, '3'])).lines[0]!.values).toEqual([3, null, null, null, null]));
  it('are those with the greatest values where there are too many, in their order', () => {
    const series = [1, 9, 3, 7].map((value) => given({ n: String(value) }, [60, String(value)]));
    const { lines, total } = align([{ query: 'a', index: 0, series }], GRID, { most: 2 });
    expect(lines.map(({ name }) => name)).toEqual(['9', '7']);
    expect(total).toBe(4);
  });
  it('are not native histograms, which are counted', () => {
    expect(one('a', { metric: {}, histograms: [[60, {}]] })).toMatchObject({ lines: [], histograms: 1 });
  });
});

describe('a series is named', () => {
  const names = (...answers: [string, ...Record<string, string>[]][]): string[] =>
    align(answers.map(([query, ...labels], index) => ({ query, index, series: labels.map((each) => given(each, [60, '1'])) })), GRID).lines.map(({ name }) => name);
  it('by the one label that tells it from the others', () => expect(names(['a', { __name__: 'a', job: 'j', pod: 'x' }, { __name__: 'a', job: 'j', pod: 'y' }])).toEqual(['x', 'y']));
  it('by all that do', () => expect(names(['a', { m: 'GET', s: '1' }, { m: 'PUT', s: '1' }, { m: 'PUT', s: '2' }])).toEqual(['m=GET, s=1', 'm=PUT, s=1', 'm=PUT, s=2']));
  it('by its metric where it is alone, and never by the resource, which is known', () => expect(names(['up', { __name__: 'up', resource_id: 'r', job: 'j' }])).toEqual(['up']));
  it('by its quantile', () => expect(names(['histogram_quantile(0.5, x)', {}], ['histogram_quantile(0.999, x)', {}])).toEqual(['p50', 'p99.9']));
  it('by the quantile with its labels', () => expect(names(['histogram_quantile(0.5, x)', { a: '1' }, { a: '2' }], ['histogram_quantile(0.9, x)', { a: '1' }])).toEqual(['p50 1', '2', 'p90 1']));
  it('by its query where labels do not tell', () => expect(names(['a', { pod: 'x' }, { pod: 'y' }], ['sum(b)', { pod: 'x' }])).toEqual(['A · x', 'y', 'B · x']));
  it('by what is computed, not by a metric in it', () => expect(names(['sum(a) / sum(a)', {}])).toEqual(['sum(a) / sum(a)']));
  it('as the chart is, where it is all of it', () => expect(align([{ query: 'sum(a)', index: 0, series: [given({}, [60, '1'])] }], GRID, { called: 'Load' }).lines[0]!.name).toBe('Load'));
});

describe('what is drawn', () => {
  const [a, b, c] = one('a', given({ n: 'a' }, [60, '1'], [75, '2'], [105, 'NaN'], [120, '1']), given({ n: 'b' }, [60, '3'], [120, '0']), given({ n: 'c' }, [60, '-2'], [120, '-1'])).lines as [never, never, never];
  it('leaves a gap for what is no number, and on a logarithmic scale for what is not above zero', () => {
    expect(drawn(a, false)).toEqual([1, 2, null, null, 1]);
    expect(drawn(b, true)).toEqual([3, null, null, null, null]);
  });
  it('adds up where lines are stacked, a gap in one of them being nothing, and what is below zero apart', () =>
    expect(stack([a, b, c])).toEqual([[1, 2, null, null, 1], [4, 2, null, null, 1], [-2, 0, null, null, -1]]));
  it('is a point where a value stands alone', () => expect(alone([1, null, 2, 3, null, 4])).toEqual([0, 5]));
  it('begins at zero unless that would flatten it', () => {
    expect(bounds(1, 10, false)[0]).toBe(0);
    expect(bounds(300, 330, false)[0]).toBeGreaterThan(290);
    expect(bounds(-5, 10, false)[0]).toBeLessThan(-5);
    expect(bounds(5, 5, false)[1]).toBeGreaterThan(5);
    expect(bounds(0.02, 30, true)).toEqual([0.01, 100]);
    expect(bounds(10, 10, true)).toEqual([10, 100]);
    expect(bounds(null, null, false)).toEqual([0, 1]);
  });
  it('is dashed from the ninth line on', () => {
    expect(dash(7)).toEqual([]);
    expect(dash(8)).not.toEqual([]);
    expect(dash(16)).not.toEqual(dash(8));
  });
});

describe('a list of queries', () => {
  const list = { metrics: ['a', 'b', 'c'], hidden: [0, 2] };
  it('loses one, and what is hidden stays hidden', () => expect(removed(list, 1)).toEqual({ metrics: ['a', 'c'], hidden: [0, 1] }));
  it('forgets that one was hidden', () => expect(removed(list, 0)).toEqual({ metrics: ['b', 'c'], hidden: [1] }));
  it('hides and shows', () => {
    expect(toggled(list, 1).hidden).toEqual([0, 1, 2]);
    expect(toggled(list, 2).hidden).toEqual([0]);
  });
  it('gets one more', () => expect(added(list).metrics).toEqual(['a', 'b', 'c', '']));
  it('has a letter for each', () => expect([letter(0), letter(25), letter(26)]).toEqual(['A', 'Z', 'A1']));
});
