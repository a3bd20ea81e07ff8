import { describe, expect, it } from 'vitest';
import { escaped, expected, mistake } from '../src/lib/completion';
import { parse, remember } from '../src/lib/history';

describe('what may stand at the end of a query', () => {
  it.each([
    ['logql', '{', 'label'],
    ['logql', '{app="x", le', 'label'],
    ['logql', '{app', 'label'],
    ['logql', '{app="a", level="er', 'value'],
    ['logql', '{app=~`a', 'value'],
    ['logql', '{app="a"} | js', 'stage'],
    ['logql', '{app="a"} |= "er', undefined],
    ['logql', 'sum by (le', 'label'],
    ['logql', '{app="}"} | logfmt | ', 'stage'],
    ['promql', 'ra', 'name'],
    ['promql', '', 'name'],
    ['promql', 'sum(rate(http', 'name'],
    ['promql', 'up{', 'label'],
    ['promql', 'up{job="a', 'value'],
    ['promql', 'up[5', undefined],
    ['promql', 'up ', undefined],
    ['promql', 'up / do', 'name'],
    ['promql', 'sum by (job) (u', 'name'],
    ['promql', 'up # th', undefined],
  ] as const)('%s %s', (language, text, kind) => {
    expect(expected(language, text)?.kind).toBe(kind);
  });
  it('knows label, metric and place of a value', () => {
    expect(expected('promql', 'a + up{job="x",zone=~"eu')).toEqual({ kind: 'value', label: 'zone', metric: 'up', from: 22, quote: '"' });
  });
});

it('a value is written as its quotation marks need it', () => {
  expect([escaped('a"b\\', '"'), escaped("a'b", "'"), escaped('a\\b', '`')]).toEqual(['a\\"b\\\\', "a\\'b", 'a\\b']);
});

it.each(['a`b', '` or vector(1) #', 'a\rb'])('%j is not offered between backticks, which it would leave', (value) => {
  expect(escaped(value, '`')).toBeUndefined();
  expect(escaped(value, '"')).toBe(JSON.stringify(value).slice(1, -1));
});

it('a mistake is where the API says, in characters', () => {
  expect(mistake('{a="😀"} }', '1:9: unexpected "}"\n  …')).toEqual({ at: 9, message: 'unexpected "}"' });
  expect(mistake('a\nb +', '2:4: the query ends here')).toEqual({ at: 5, message: 'the query ends here' });
  expect(mistake('\n  up(', '1:3: unexpected end')).toEqual({ at: 5, message: 'unexpected end' });
  expect(mistake('up{a=~"("}', '1:5: parse error: error parsing regexp')).toBeUndefined();
  expect([mistake('a', 'limit: too much'), mistake('a', '7:1: x')]).toEqual([undefined, undefined]);
});

describe('history', () => {
  it('has a query once, newest first, and so many of a resource', () => {
    let all = remember([], 'p/r', 'a');
    all = remember(remember(all, 'p/r', 'b'), 'p/r', 'a');
    expect(all.map(({ query }) => query)).toEqual(['a', 'b']);
    for (let at = 0; at < 50; at += 1) all = remember(all, 'p/r', `q${at}`);
    all = remember(all, 'other', 'x');
    expect(all.filter(({ of }) => of === 'p/r')).toHaveLength(20);
    expect(all[1]!.query).toBe('q49');
  });
  it('takes nothing from storage that is none', () => {
    expect([parse(null), parse('{'), parse('[1,{"of":"a","query":"b"}]')]).toEqual([[], [], [{ of: 'a', query: 'b' }]]);
  });
});
