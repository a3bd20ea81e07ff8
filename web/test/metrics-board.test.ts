import { describe, expect, it } from 'vitest';
import { begin, board, over, title, type Meta } from '../src/lib/metrics/board';

const meta = (types: Record<string, string>): Record<string, Meta> => Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, help: '' }]));
const SHOP = ['cpu_usage_percent', 'http_request_duration_seconds_bucket', 'http_request_duration_seconds_count', 'http_request_duration_seconds_sum', 'http_requests_total', 'memory_usage_bytes'];

describe('a board', () => {
  it('has usage, traffic, errors and latency of a usual service', () => {
    const { panels, others } = board(SHOP, meta({ http_request_duration_seconds: 'histogram' }), { http_requests_total: ['pod', 'status'] }, '5m');
    expect(panels).toEqual([
      { group: 'Usage', title: 'CPU usage', queries: ['cpu_usage_percent'], unit: 'percent', stacked: false },
      { group: 'Usage', title: 'Memory usage', queries: ['memory_usage_bytes'], unit: 'bytes', stacked: false },
      { group: 'Traffic', title: 'HTTP requests', queries: ['sum by (status) (rate(http_requests_total[5m]))'], unit: 'rate', stacked: true },
      {
        group: 'Errors', title: 'HTTP requests that failed', unit: 'ratio', stacked: false,
        queries: ['(sum(rate(http_requests_total{status=~"5.."}[5m])) or 0 * sum(rate(http_requests_total[5m]))) / sum(rate(http_requests_total[5m]))'],
      },
      {
        group: 'Latency', title: 'HTTP request duration', unit: 'seconds', stacked: false,
        queries: ['0.5', '0.95', '0.99'].map((q) => `histogram_quantile(${q}, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`),
      },
    ]);
    expect(others).toEqual([]);
  });
  it('takes native histograms where metadata says that they are', () => {
    const { panels } = board(['rpc_duration_seconds'], meta({ rpc_duration_seconds: 'histogram' }), {}, '5m');
    expect(panels).toMatchObject([{ group: 'Latency', unit: 'seconds' }]);
    expect(panels[0]!.queries[1]).toBe('histogram_quantile(0.95, sum(rate(rpc_duration_seconds[5m])))');
  });
  it('counts what failed by its own counter, and requests by the histogram where nothing else does', () => {
    const { panels } = board(['jobs_errors_total', 'http_requests_seconds_bucket', 'http_requests_seconds_count', 'http_requests_seconds_sum'], {}, {}, '5m');
    expect(panels.map(({ group, queries }) => [group, queries[0]])).toEqual([
      ['Traffic', 'sum(rate(http_requests_seconds_count[5m]))'],
      ['Errors', 'sum(rate(jobs_errors_total[5m]))'],
      ['Latency', 'histogram_quantile(0.5, sum by (le) (rate(http_requests_seconds_bucket[5m])))'],
    ]);
  });
  it('has processor time as a share', () => expect(board(['process_cpu_seconds_total'], {}, {}, '5m').panels).toMatchObject([{ group: 'Usage', unit: 'ratio' }]));
  it('leaves out what runtimes say of themselves, and names what it does not show', () => {
    const { panels, others } = board(['up', 'go_memory_classes_bytes', 'temperature_celsius', 'http_requests_created'], {}, {}, '5m');
    expect(panels).toEqual([]);
    expect(others).toEqual(['up', 'go_memory_classes_bytes', 'temperature_celsius', 'http_requests_created']);
  });
  it('has a few panels of each kind at the most, and the others by name', () => {
    const many = Array.from({ length: 9 }, (_, index) => `queue_${index}_size`);
    const { panels, others } = board(many, {}, {}, '5m');
    expect(panels).toHaveLength(4);
    expect(others).toHaveLength(5);
  });
  it('quotes names that are no identifiers', () => expect(board(['my.memory.usage'], {}, {}, '5m').panels[0]!.queries).toEqual(['{"my.memory.usage"}']));
  it('is empty without metrics', () => expect(board([], {}, {}, '5m')).toEqual({ panels: [], others: [] }));
});

it('counters are read over two steps at least', () => {
  expect([over(300, 2), over(3600, 20), over(86400, 600), over(7 * 86400, 3600), over(365 * 86400, 2 * 86400)]).toEqual(['2m', '5m', '30m', '2h', '4d']);
});

it('a metric is begun with as its kind is asked', () => {
  expect(begin('a_total', {}, '5m')).toBe('sum(rate(a_total[5m]))');
  expect(begin('a_bucket', {}, '5m')).toBe('histogram_quantile(0.95, sum by (le) (rate(a_bucket[5m])))');
  expect(begin('a', meta({ a: 'histogram' }), '5m')).toBe('histogram_quantile(0.95, sum(rate(a[5m])))');
  expect(begin('temperature_celsius', {}, '5m')).toBe('temperature_celsius');
});

it('a title is words', () => expect([title('grpc_server_handled_total'), title('process_cpu_seconds_total'), title('x')]).toEqual(['GRPC server handled', 'Process CPU', 'X']));
