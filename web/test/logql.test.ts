import { describe, expect, it } from 'vitest';
import { asksForLines, filter, meant, parts, streamOf, volume } from '../src/lib/logql';

it('a query is taken apart behind its selector, whatever stands in strings', () => {
  expect(parts('{a="}", b=~`x}{`} |= "}" | json')).toEqual({ selector: '{a="}", b=~`x}{`}', pipeline: '|= "}" | json' });
  expect(parts('{a="\\"}"}')).toEqual({ selector: '{a="\\"}"}', pipeline: '' });
  expect(parts('|= "x"')).toEqual({ selector: '{}', pipeline: '|= "x"' });
  expect(parts(' ')).toEqual({ selector: '{}', pipeline: '' });
});

describe('a click', () => {
  it('on a label narrows the selector', () => {
    expect(filter('', 'label', 'level', 'error', true)).toBe('{level="error"}');
    expect(filter('{a="1"} |= "x"', 'label', 'level', 'error', false)).toBe('{a="1", level!="error"} |= "x"');
    expect(filter('|= "x"', 'label', 'a', '1', true)).toBe('{a="1"} |= "x"');
  });
  it('twice is once', () => {
    const once = filter('{a="1"}', 'label', 'level', 'error', true);
    expect(filter(once, 'label', 'level', 'error', true)).toBe(once);
    expect(filter('{a = "1"}', 'label', 'a', '1', true)).toBe('{a = "1"}');
    const parsed = filter('', 'json', 'status', '500', true);
    expect(filter(parsed, 'json', 'status', '500', true)).toBe(parsed);
  });
  it('on the opposite takes its place', () => {
    expect(filter('{level="error"}', 'label', 'level', 'error', false)).toBe('{level!="error"}');
    expect(filter('{} | json | status="500"', 'json', 'status', '500', false)).toBe('{} | json | status!="500"');
  });
  it('on a field of the text has the text parsed, once', () => {
    expect(filter('{a="1"}', 'json', 'status', '500', true)).toBe('{a="1"} | json | status="500"');
    expect(filter('{a="1"} | json', 'json', 'status', '500', true)).toBe('{a="1"} | json | status="500"');
    expect(filter('', 'logfmt', 'status', '500', true)).toBe('{} | logfmt | status="500"');
  });
  it('on what needs no parsing has nothing parsed', () => {
    expect(filter('', 'metadata', 'trace_id', 'f', true)).toBe('{} | trace_id="f"');
    expect(filter('{} | json', 'parsed', 'x', 'y', false)).toBe('{} | json | x!="y"');
  });
  it('quotes what has quotes', () => expect(filter('', 'label', 'a', 'b"\\c\n', true)).toBe('{a="b\\"\\\\c\\n"}'));
  it('leaves what computes numbers alone', () => expect(filter('rate({a="1"}[5m])', 'label', 'b', '2', true)).toBe('rate({a="1"}[5m])'));
  it('does not touch what is in strings', () =>
    expect(filter('{} |= "a   | x!=\\"y\\"" ', 'metadata', 'x', 'z', true)).toBe('{} |= "a   | x!=\\"y\\"" | x="z"'));
});

it('a stream is selected by its labels, of which the gateway sets one', () =>
  expect(streamOf({ a: '1', resource_id: 'r1', b: '"' })).toBe('{a="1", b="\\""}'));

it('lines are counted by level, and those that do not parse as well', () => {
  expect(volume('', 30)).toBe('sum by (level, detected_level) (count_over_time({} [30s]))');
  expect(volume('{a="1"} | json | x="1"', 60)).toBe(
    'sum by (level, detected_level) (count_over_time({a="1"} | json | x="1" | drop __error__, __error_details__ [60s]))',
  );
  expect(volume('rate({a="1"}[5m])', 60)).toBeUndefined();
});

it('queries for lines begin with a brace, a bar, or nothing', () => {
  expect(['', ' {}', '|= "x"'].every(asksForLines)).toBe(true);
  expect(asksForLines('sum(rate({}[1m]))')).toBe(false);
});

it.each([
  // What is added stands behind the end of a comment's line.
  ['{a="1"} # why', 'metadata', '{a="1"} # why\n| x="y"'],
  ['{a="1"} |= "z" # why', 'json', '{a="1"} |= "z" # why\n| json | x="y"'],
  ['{a="1" # why\n}', 'label', '{a="1" # why\n, x="y"}'],
  ['{a="1", # why\n b="2"}', 'label', '{a="1", # why\n b="2", x="y"}'],
  ['{a="1", # why, not }\n}', 'label', '{a="1", x="y"}'],
  ['# why\n{a="1"}', 'label', '# why\n{a="1", x="y"}'],
  ['# why', 'metadata', '# why\n{} | x="y"'],
  ['{a="1"} # why }\n| json', 'parsed', '{a="1"} # why }\n| json | x="y"'],
  // What a comment or a string says is no stage.
  ['{a="1"} # | x="y"', 'metadata', '{a="1"} # | x="y"\n| x="y"'],
  ['{a="1"} # | json', 'json', '{a="1"} # | json\n| json | x="y"'],
  ['{a="1"} |= "| json"', 'json', '{a="1"} |= "| json" | json | x="y"'],
  ['{a="1"} # | x!="y"', 'metadata', '{a="1"} # | x!="y"\n| x="y"'],
  ['{a="1"} | x!="y" # why\n| json', 'metadata', '{a="1"} | json | x="y"'],
  // A number sign in a string begins no comment.
  ['{a="#"} |= `#`', 'metadata', '{a="#"} |= `#` | x="y"'],
  ['{a="\\"#"}', 'label', '{a="\\"#", x="y"}'],
] as const)('a filter is a part of %j, and of no comment', (query, kind, expected) => {
  expect(filter(query, kind, 'x', 'y', true)).toBe(expected);
  expect(filter(expected, kind, 'x', 'y', true), 'once more').toBe(expected);
});

it.each([
  ['{a="1"} # why', '{a="1"} # why\n[30s]'],
  ['{a="1"} | json # why', '{a="1"} | json # why\n| drop __error__, __error_details__ [30s]'],
  ['{a="1"} # | json', '{a="1"} # | json\n[30s]'],
  ['# why\n{a="#"}', '# why\n{a="#"} [30s]'],
  ['# why', '# why\n{} [30s]'],
])('the lines of %j are counted', (query, counted) => expect(volume(query, 30)).toBe(`sum by (level, detected_level) (count_over_time(${counted}))`));

it('the stream of a line is one in all of its levels', () =>
  expect(streamOf({ app: 'shop', level: 'error', detected_level: 'error', severity_text: 'ERROR' })).toBe('{app="shop"}'));

it('words that are no query are looked for', () => {
  expect(['payment', ' payment failed ', '"a b"', "'a'", 'order-17', 'zahlung ü'].map(meant)).toEqual(
    ['|= "payment"', '|= "payment failed"', '|= "a b"', '|= "a"', '|= "order-17"', '|= "zahlung ü"']);
  expect(['', '{a="1"}', '|= "x"', 'rate({}[1m])', 'a"b', 'a=b', '"open'].map(meant)).toEqual(Array(7).fill(undefined));
});
