import { describe, expect, it } from 'vitest';
import { duration, isRelative, name, point, span, stamp, step } from '../src/lib/time';

const NOW = Date.UTC(2026, 0, 31, 14, 0, 0);

describe('a point in time', () => {
  it.each([
    ['now', NOW],
    ['now-90m', NOW - 90 * 60e3],
    ['now - 1h30m', NOW - 90 * 60e3],
    ['2026-01-31T13:00:00Z', NOW - 3600e3],
    ['2026-01-31T14:00:00+01:00', NOW - 3600e3],
    [String(NOW), NOW],
  ])('is read from %s', (text, at) => expect(point(text, NOW)).toBe(at));
  it.each(['', 'yesterday', 'now-', 'now-1y', '2026', '12', 'now+1h', '2026-99-99'])('is not read from %j', (text) =>
    expect(point(text, NOW)).toBeUndefined());
});

it.each([
  ['2026-01-31', Date.UTC(2026, 0, 31)],
  ['2026-01-31 14:00', NOW],
  ['2026-01-31 9:05', Date.UTC(2026, 0, 31, 9, 5)],
  ['2026-01-31T15:00:00.5+01:00', NOW + 500],
  ['2026-01-31 15:00 +0100', NOW],
  ['2026-01-31 14:00z', NOW],
])('%s is a time where the zone is UTC', (text, at) => expect(point(text, NOW, 'utc')).toBe(at));

it('a text without an offset is of the zone, whether it has a time or not', () => {
  expect(point('2026-07-01', NOW, 'local')).toBe(new Date(2026, 6, 1).getTime());
  expect(point('2026-07-01 08:30', NOW, 'local')).toBe(new Date(2026, 6, 1, 8, 30).getTime());
});

it.each(['2026-02-31', '2026-01-31 25:00', '2026-01-31 14', '2026-01-31 14:00 CET', '2026-01-31x'])('%s is no time', (text) =>
  expect(point(text, NOW, 'utc')).toBeUndefined());

it('a duration adds its parts up', () => {
  expect(duration('1d2h3m4s')).toBe(86400e3 + 2 * 3600e3 + 3 * 60e3 + 4e3);
  expect(duration('5')).toBeUndefined();
});

it('a range begins before it ends', () => {
  expect(span('now-1h', 'now', NOW)).toEqual({ start: NOW - 3600e3, end: NOW });
  expect(span('now', 'now-1h', NOW)).toBeUndefined();
  expect(span('now', 'now', NOW)).toBeUndefined();
});

it('a step is round and divides a range into no more than as many parts as asked for', () => {
  for (const minutes of [1, 5, 60, 180, 1440, 10080, 525600, 5256000]) {
    const range = { start: NOW - minutes * 60e3, end: NOW };
    expect((minutes * 60) / step(range, 120)).toBeLessThanOrEqual(120);
  }
  expect(step({ start: NOW - 3600e3, end: NOW }, 120)).toBe(30);
});

it('a range is called by its quick name, or by its ends', () => {
  expect(name('now-1h', 'now', 'utc', NOW)).toBe('Last hour');
  expect(name('now-90m', 'now', 'utc', NOW)).toBe('now-90m to now');
  expect(name(String(NOW - 60e3), String(NOW), 'utc', NOW)).toBe('2026-01-31 13:59:00 to 14:00:00');
  expect(name(String(NOW - 86400e3), String(NOW), 'utc', NOW)).toBe('2026-01-30 14:00:00 to 2026-01-31 14:00:00');
});

it('a line is stamped to the millisecond', () => expect(stamp(NOW + 7, 'utc')).toBe('2026-01-31 14:00:00.007'));

it('what names now moves with the clock', () => {
  expect(isRelative('now-1h', 'now')).toBe(true);
  expect(isRelative(String(NOW), String(NOW))).toBe(false);
});
