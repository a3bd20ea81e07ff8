import { expect, it } from 'vitest';
import { iso, render } from '../src/lib/download';
import { parser } from '../src/lib/events';
import { fields } from '../src/lib/fields';
import { rowAt, tops } from '../src/lib/heights';
import { levelOf } from '../src/lib/levels';
import { lines } from '../src/lib/lines';
import { search } from '../src/lib/search';
import { tint } from '../src/lib/tint';

const found = lines([
  { stream: { app: 'a', level: 'error' }, values: [['1795491697211951810', 'one', { structuredMetadata: { trace_id: 't' } }]] },
  { stream: { app: 'b' }, values: [['1795491697211951811', '{"severity":"WARNING","n":{"a b":1},"l":[1]}'], ['999999999999999999', 'old']] },
]);

it('lines of several streams are one list, the newest first, to the nanosecond', () => {
  expect(found.map(({ ns }) => ns)).toEqual(['1795491697211951811', '1795491697211951810', '999999999999999999']);
  expect(found[1]).toMatchObject({ ms: 1795491697211, level: 'error', labels: { app: 'a' }, metadata: { trace_id: 't' } });
});

it('a line has the same key in every answer, and no two of one answer share one', () => {
  const stream = { stream: { a: '1' }, values: [['1', 'x'], ['1', 'x'], ['1', 'y'], ['2', 'x']] as [string, string][] };
  const other = { stream: { a: '2' }, values: [['1', 'x']] as [string, string][] };
  const keys = lines([stream, other]).map(({ key }) => key);
  expect(new Set(keys).size).toBe(5);
  expect(lines([other, stream]).map(({ key }) => key).sort()).toEqual(keys.sort());
});

it('a level is in labels, in what came along, or in the text', () => {
  expect(found[0]!.level).toBe('warn');
  expect(found[2]!.level).toBe('unknown');
  expect(levelOf({}, { detected_level: 'Fatal' })).toBe('critical');
});

it('fields are named as LogQL names them', () => {
  expect(fields('{"severity":"WARNING","n":{"a b":1,"0":null},"l":[1]}')).toEqual({ parser: 'json', values: { severity: 'WARNING', n_a_b: '1' } });
  expect(fields('level=info msg="a \\"b\\" c" took=3ms')).toEqual({ parser: 'logfmt', values: { level: 'info', msg: 'a "b" c', took: '3ms' } });
  expect(fields('{broken').parser).toBeUndefined();
  expect(fields('x = 1, or a=b').parser).toBeUndefined();
});

it('a file of text has times and lines, one of CSV a column for each label', () => {
  expect(iso('1795491697211951810')).toBe('2026-11-24T03:41:37.211951810Z');
  expect(render(found.slice(1, 2), 'text')).toBe('2026-11-24T03:41:37.211951810Z one\n');
  expect(render(found.slice(1, 2), 'csv')).toBe(
    'time,severity,line,app,level,trace_id\r\n2026-11-24T03:41:37.211951810Z,error,one,a,error,t\r\n',
  );
  expect(JSON.parse(render(found, 'json'))).toHaveLength(3);
});

it('a line that would be a formula in a spreadsheet is a text', () => {
  const evil = lines([{ stream: {}, values: [['1795491697211951810', '=HYPERLINK("x")\n,']] }]);
  expect(render(evil, 'csv')).toContain(`,"'=HYPERLINK(""x"")\n,"\r\n`);
});

it.each([
  ['=1+1', "'=1+1"],
  ['  =1+1', "'  =1+1"],
  ['\u00a0@x', "'\u00a0@x"],
  ['\t=1', `'\t'=1`],
  ['＝1', "'＝1"], ['＋1', "'＋1"], ['－1', "'－1"], ['＠x', "'＠x"],
  ['a;=1', `"a;'=1"`],
  ['a; +1;b', `"a;' +1;b"`],
  ['a\n-1', `"a\n'-1"`],
  ['a=1 b-2', 'a=1 b-2'],
  ['a;b', '"a;b"'],
])('the line %j is in a cell %j, which no spreadsheet computes', (text, cell) => {
  const file = render(lines([{ stream: {}, values: [['1795491697211951810', text]] }]), 'csv');
  expect(file).toBe(`time,severity,line\r\n2026-11-24T03:41:37.211951810Z,unknown,${cell}\r\n`);
});

it('events come in whatever pieces the network makes of them', () => {
  const text = 'retry: 2000\n\nid: 7\ndata: {"a":\ndata: 1}\n\n:\n\nevent: end\r\ndata: x\r\n\r\n';
  for (const size of [1, 2, 3, 7, 1000]) {
    const parse = parser();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...parse(text.slice(at, at + size)));
    expect(events).toEqual([
      { name: 'message', data: '{"a":\n1}', id: '7' },
      { name: 'end', data: 'x', id: '7' },
    ]);
  }
});

it('the row at a height is found among thousands of different heights', () => {
  const heights = Array.from({ length: 5000 }, (_, index) => (index % 7) * 10 + 22);
  const all = tops(heights);
  for (const index of [0, 1, 2499, 4999]) {
    expect(rowAt(all, all[index]!)).toBe(index);
    expect(rowAt(all, all[index]! + heights[index]! - 1)).toBe(index);
  }
  expect(rowAt(all, 1e9)).toBe(4999);
  expect(rowAt(tops([]), 5)).toBe(0);
});

it('a resource is found by every word that is typed', () => {
  const entry = { organization: 'Acme', project: { project_id: 'acme-shop', name: 'Shop' }, resource: { resource_id: 'db', name: 'Database', type: 'Graph' } };
  expect(search([entry], ' SHOP data ')).toHaveLength(1);
  expect(search([entry], 'shop api')).toHaveLength(0);
});

it('names step back and texts stay whole', () => {
  const text = '{"msg":"a, {b}: c","n":1}';
  const pieces = tint(text);
  expect(pieces.map(({ text }) => text).join('')).toBe(text);
  expect(pieces.filter(({ isName }) => !isName).map(({ text }) => text)).toEqual(['"a, {b}: c"', '1']);
  expect(tint('a=1 b="x c=2"').filter(({ isName }) => isName).map(({ text }) => text).slice(0, 2)).toEqual(['a=', 'b=']);
  expect(tint('plain words')).toEqual([{ text: 'plain words', isName: false }]);
});
