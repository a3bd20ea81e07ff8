import { expect, it } from 'vitest';
import { shades } from '../src/lib/metrics/shades';

const of = (...labels: Record<string, string>[]): string[] => shades(labels.map((each) => ({ labels: each })));

it('series that are levels have the colours of levels', () =>
  expect(of({ level: 'INFO' }, { level: 'err', resource_id: 'r' })).toEqual(['info', 'error']));
it('series that are more than levels have one colour after the other', () => {
  expect(of({ level: 'info', pod: 'a' }, { level: 'error', pod: 'a' })).toEqual(['series-0', 'series-1']);
  expect(of({ level: 'info' }, { level: 'information' })).toEqual(['series-0', 'series-1']);
  expect(of({ level: 'info' }, {})).toEqual(['series-0', 'series-1']);
});
it('colours come again after the last', () => expect(of(...Array.from({ length: 9 }, () => ({})))[8]).toBe('series-0'));
