import { expect, it } from 'vitest';
import { filename } from '../src/lib/filename';
import type { Line } from '../src/lib/lines';

const at = (ms: number): Line => ({ key: '', ns: `${ms}000000`, ms, text: '', level: 'info', labels: {}, metadata: {}, parsed: {} });
const range = { start: Date.UTC(2026, 0, 31, 13), end: Date.UTC(2026, 0, 31, 14) };

it('a file is called by its project, resource and range', () =>
  expect(filename('acme-shop', 'shop-api', [], range, 'csv')).toBe('acme-shop_shop-api_20260131T130000Z_20260131T140000Z.csv'));
it('lines of no range have that of their own times', () =>
  expect(filename('p', 'r', [at(range.end), at(range.start)], undefined, 'txt')).toBe('p_r_20260131T130000Z_20260131T140000Z.txt'));
it('what cannot be in a file name is not', () => expect(filename('../p', 'r:1 x', [], undefined, 'txt')).toBe('..-p_r-1-x.txt'));
