import { expect, it } from 'vitest';
import { merged } from '../src/lib/merged';
import type { Line } from '../src/lib/lines';

const line = (ns: number): Line => ({ key: `k${ns}`, ns: String(ns), ms: 0, text: String(ns), level: 'info', labels: {}, metadata: {}, parsed: {} });
const order = (...found: Line[]): number[] => found.map(({ ns }) => Number(ns));

it('a line that arrives late stands where its time is', () =>
  expect(order(...merged([line(25), line(40)], [line(30), line(20), line(10)], 9))).toEqual([40, 30, 25, 20, 10]));
it('a line that is said again is there once', () =>
  expect(order(...merged([line(30), line(40), line(40)], [line(30), line(20)], 9))).toEqual([40, 30, 20]));
it('of too many lines the newest are kept', () => expect(order(...merged([line(5), line(50)], [line(30), line(20)], 2))).toEqual([50, 30]));
it('lines of one time keep the order in which they came', () => {
  const [one, other] = [line(30), { ...line(30), key: 'other' }];
  expect(merged([other], [one], 9).map(({ key }) => key)).toEqual(['other', 'k30']);
});
