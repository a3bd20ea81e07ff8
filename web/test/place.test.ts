import { expect, it } from 'vitest';
import { areMany, HOME, LONGEST_QUERY, MOST_QUERIES, read, share, write, type Place } from '../src/lib/place';

it('a place is read as it was written, whatever its queries hold', () => {
  const place: Place = {
    ...HOME, view: 'metrics', project: 'p1', resource: 'r1', query: '{a="b&c=d#e?f+g%20"} |= `ä\n"`',
    metrics: ['rate(x[5m])', 'y{z="1"}', ''],
    hidden: [0, 2], only: ['a=b, c="d"', 'p95'], stacked: true, log: true, unit: 'bytes/s', table: true, from: 'now-3h', to: '1769868000000', refresh: 30, live: true, wrap: true, zone: 'utc', limit: 5000,
  };
  expect(read(write(place))).toEqual(place);
  expect(read(write(HOME))).toEqual(HOME);
});

it('what is as it is anyway is not in the link', () => {
  expect(write(HOME)).toBe('#/logs');
  expect(write({ ...HOME, project: 'p1', resource: 'r1' })).toBe('#/logs?project=p1&resource=r1');
});

it.each(['', '#', '#/', '#/nothing?refresh=7&limit=abc&zone=mars&live=2', '#?&&=', '#/logs?limit='])('%j is a place, with what is not understood left out', (fragment) =>
  expect(read(fragment)).toEqual(HOME));

it('a shared place is fixed in time', () => {
  const shared = share({ ...HOME, refresh: 10, live: true }, 1769868000000);
  expect(shared).toMatchObject({ from: '1769864400000', to: '1769868000000', refresh: 0, live: false });
  expect(share({ ...HOME, from: 'nonsense' }, 0).from).toBe('nonsense');
});

const longest = 'a'.repeat(63);
it.each(['a', '0', 'acme-shop', 'a--b', longest])('%j is an id', (id) => {
  expect(read(`#/logs?project=${id}&resource=r1`)).toMatchObject({ project: id, resource: 'r1' });
  expect(read(`#/logs?project=p1&resource=${id}`)).toMatchObject({ project: 'p1', resource: id });
});

it.each(['', '.', '..', '%2e%2e', '...', '-a', 'a-', 'A', 'a.b', 'a/b', '../x', 'a\\b', 'a|b', 'a b', 'a_b', 'ä', 'a\n', '__proto__', `${longest}a`])('a link with the id %j names no resource', (id) => {
  for (const [project, resource] of [[id, 'r1'], ['p1', id]] as const) {
    const link = `#/metrics?${new URLSearchParams({ project, resource, m: 'up' })}`;
    expect(read(link)).toEqual({ ...HOME, view: 'metrics', metrics: ['up'] });
  }
});

it('a link brings so many queries of such a length, and no more', () => {
  const link = (queries: string[]): string => `#/metrics?${new URLSearchParams(queries.map((query) => ['m', query]))}`;
  const many = Array.from({ length: 200 }, (_, index) => `x${index}`);
  expect(read(link(many)).metrics).toEqual(many.slice(0, MOST_QUERIES));
  const [long, wide] = read(link(['x'.repeat(100_000), `x${'€'.repeat(100_000)}`])).metrics;
  expect(long).toHaveLength(LONGEST_QUERY);
  expect(new TextEncoder().encode(wide).length).toBeLessThanOrEqual(LONGEST_QUERY);
  expect(wide).toMatch(/^x€+$/);
  expect([areMany(many.slice(0, 8)), areMany(many.slice(0, 9)), areMany([...many.slice(0, 8), ' '])]).toEqual([false, true, false]);
});

it('that lines are not wrapped is in the link where somebody chose it', () => {
  expect([true, false, undefined].map((wrap) => write({ ...HOME, wrap }))).toEqual(['#/logs?wrap=1', '#/logs?wrap=0', '#/logs']);
  expect(read('#/logs?wrap=0').wrap).toBe(false);
});
