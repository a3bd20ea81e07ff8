// Names and values that whoever logs or measures chose: the names of what every object has are names as any other.

import { expect, it } from 'vitest';
import { may } from '../src/lib/access';
import { render } from '../src/lib/download';
import { fields } from '../src/lib/fields';
import { histogram } from '../src/lib/histogram';
import { level, levelOf } from '../src/lib/levels';
import { lines, type Stream } from '../src/lib/lines';
import { begin, board, type Meta } from '../src/lib/metrics/board';
import { align, type Given } from '../src/lib/metrics/series';
import { blank, own } from '../src/lib/own';

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
/** A record as an answer has it, where `__proto__` is a name. */
const record = <T>(name: string, value: T): Record<string, T> => JSON.parse(JSON.stringify([[name, value]]).replace(/^\[\["(.*?)",(.*)\]\]$/, '{"$1":$2}')) as Record<string, T>;

it.each(NAMES)('%s is in a record that has it, and in no other', (name) => {
  expect(own(record(name, 'x'), name)).toBe('x');
  expect(own({}, name)).toBeUndefined();
  const made = blank<string>();
  made[name] = 'y';
  expect(Object.entries(made)).toEqual([[name, 'y']]);
});

it.each(NAMES)('%s is no level', (name) => {
  expect(level(name)).toBe('unknown');
  expect(levelOf({ level: name }, { severity: 'warn' })).toBe('warn');
  const counted = histogram([{ metric: { level: name }, values: [[0, '2']] }], { start: 0, end: 0 }, 1);
  expect(counted.levels).toEqual([{ level: 'unknown', counts: [2], total: 2 }]);
});

it.each(NAMES)('%s is a field as any other', (name) => {
  const plain = name.replace(/[^a-zA-Z0-9_]/g, '_');
  expect(Object.entries(fields(`{"${name}":"x","b":1}`).values)).toEqual([[plain, 'x'], ['b', '1']]);
  expect(Object.entries(fields(`${name}=x b=1`).values)).toEqual([[plain, 'x'], ['b', '1']]);
});

it.each(NAMES)('%s as a label is a column, empty for lines without it', (name) => {
  const streams: Stream[] = [
    { stream: record(name, 'x'), values: [['1795491697211951811', 'one']] },
    { stream: { app: name }, values: [['1795491697211951810', 'two']] },
  ];
  const columns = [name, 'app'].sort();
  const row = (value: Record<string, string>): string => columns.map((each) => own(value, each) ?? '').join(',');
  expect(render(lines(streams), 'csv').split('\r\n')).toEqual([
    `time,severity,line,${columns.join(',')}`,
    `2026-11-24T03:41:37.211951811Z,unknown,one,${row(record(name, 'x'))}`,
    `2026-11-24T03:41:37.211951810Z,unknown,two,${row({ app: name })}`,
    '',
  ]);
});

it.each([...NAMES, 'constructor_total', 'toString_requests_total'])('a metric called %s is on the board as any other', (name) => {
  const meta: Record<string, Meta> = { up: { type: 'gauge', help: '' } };
  const { panels, others } = board([name, 'memory_usage_bytes'], meta, {}, '5m');
  expect(panels.map(({ queries }) => queries[0])).toContain('memory_usage_bytes');
  expect([...panels.flatMap(({ queries }) => queries).join(' ').matchAll(/\w+/g)].flat().concat(others)).toContain(name);
  expect(begin(name, meta, '5m')).toContain(name);
  const counter = record(name, { type: 'counter', help: '' });
  expect(begin(name, counter, '5m')).toBe(`sum(rate(${name}[5m]))`);
});

it.each(NAMES)('series are told apart by a label called %s', (name) => {
  const value = (metric: Record<string, string>): Given => ({ metric, values: [[0, '1']] });
  const { lines } = align([{ query: 'x', index: 0, series: [value({ ...record(name, 'a') }), value({ ...record(name, 'b') }), value({ other: 'c' })] }], { start: 0, end: 0, step: 1 });
  expect(lines.map(({ name }) => name)).toEqual([`${name}=a`, `${name}=b`, 'other=c'].map((each) => expect.stringContaining(each.split('=')[1]!)));
  expect(lines[2]!.name).not.toContain('native code');
});

it.each(NAMES)('%s as a permission is said as it is', (name) => expect(may(name)).toBe(name));
