import { describe, expect, it } from 'vitest';
import { agreed, format, guess, marks, metricsOf } from '../src/lib/metrics/units';

describe('the metrics of a query', () => {
  it.each([
    ['up', ['up']],
    ['sum by (pod, le) (rate(http_x_bucket{job="a_total",b=~"c}"}[5m:30s] offset 5m))', ['http_x_bucket']],
    ['a:b:rate5m / ignoring(code) group_left c_total', ['a:b:rate5m', 'c_total']],
    ['{__name__="a_bytes", x="y"}', ['a_bytes']],
    ['{"a.b.seconds"}', ['a.b.seconds']],
    ['1 + time() # cpu', []],
    ['a{x="#"} + b_total # "c', ['a', 'b_total']],
    ['label_replace(up, "a", "$1", "b", "(.*)") or vector(Inf)', ['up']],
  ])('%s', (query, names) => expect(metricsOf(query)).toEqual(names));
});

describe('the unit of a query', () => {
  it.each([
    ['memory_usage_bytes', 'bytes'],
    ['sum(rate(network_bytes_total[5m]))', 'bytes/s'],
    ['sum(rate(http_requests_total[5m]))', 'rate'],
    ['increase(http_requests_total[5m])', 'number'],
    ['rate(process_cpu_seconds_total[5m])', 'ratio'],
    ['histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))', 'seconds'],
    ['histogram_quantile(0.95, sum(rate(http_request_duration_seconds[5m])))', 'seconds'],
    ['http_request_duration_seconds_bucket', 'number'],
    ['rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])', 'seconds'],
    ['sum(rate(r_total{status=~"5.."}[5m])) / sum(rate(r_total[5m]))', 'ratio'],
    ['100 * sum(rate(r_total{status=~"5.."}[5m])) / sum(rate(r_total[5m]))', 'percent'],
    ['cpu_usage_percent', 'percent'],
    ['disk_used_ratio', 'ratio'],
    ['count(memory_usage_bytes)', 'number'],
    ['sum by (level) (rate({}[5m]))', 'rate'],
    ['sum(bytes_rate({app="a/b"}[5m]))', 'bytes/s'],
  ] as const)('%s is in %s', (query, unit) => expect(guess(query)).toBe(unit));
  it('is that of several only where they agree', () => {
    expect(agreed(['a_bytes', 'sum(b_bytes)'])).toBe('bytes');
    expect(agreed(['a_bytes', 'b_seconds'])).toBe('number');
    expect(agreed([])).toBe('number');
  });
});

describe('a value', () => {
  it.each([
    [0, 'seconds', '0 s'], [0.0042, 'seconds', '4.2 ms'], [90, 'seconds', '1.5 min'], [-0.5, 'seconds', '-500 ms'],
    [1536, 'bytes', '1.5 KiB'], [0.5, 'bytes', '0.5 B'], [3 * 1024 ** 3, 'bytes/s', '3 GiB/s'],
    [0.1234, 'ratio', '12.3 %'], [42.42, 'percent', '42.4 %'], [1234567, 'number', '1.23 M'], [1500, 'rate', '1.5 K/s'],
    [1e-9, 'number', '1.00e-9'], [NaN, 'bytes', 'NaN'], [Infinity, 'bytes', '+∞'], [-Infinity, 'number', '−∞'], [null, 'bytes', '–'],
  ] as const)('%d in %s is %s', (value, unit, text) => expect(format(value, unit)).toBe(text));
});

it('the marks of an axis are of one scale and told apart', () => {
  expect(marks([0, 512 * 1024, 1024 ** 2], 'bytes')).toEqual(['0 MiB', '0.5 MiB', '1 MiB']);
  expect(marks([0, 0.025, 0.05], 'seconds')).toEqual(['0 ms', '25 ms', '50 ms']);
  expect(marks([0, 0.005, 0.01], 'ratio')).toEqual(['0 %', '0.5 %', '1 %']);
  expect(marks([1000, 1002.5, 1005], 'number')).toEqual(['1 K', '1.0025 K', '1.005 K']);
  expect(marks([], 'number')).toEqual([]);
});
