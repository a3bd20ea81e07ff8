import { expect, it, vi } from 'vitest';

const link = (...queries: string[]): string => `#/metrics?${new URLSearchParams([['project', 'p1'], ['resource', 'r1'], ...queries.map((query) => ['m', query])])}`;
const many = Array.from({ length: 9 }, (_, index) => `x${index}`);
const listeners: (() => void)[] = [];
vi.stubGlobal('location', { hash: link(...many) });
vi.stubGlobal('document', { title: '' });
vi.stubGlobal('addEventListener', (_: string, heard: () => void) => listeners.push(heard));
vi.stubGlobal('history', { pushState: () => {}, replaceState: () => {} });
const { go, place, waits, want } = await import('../src/state/place');

const follow = (hash: string): void => {
  location.hash = hash;
  for (const heard of listeners) heard();
};

it('a link with many queries waits until somebody says that they are to run', () => {
  expect(waits(place.value)).toBe(true);
  // What is changed beside them says nothing about them.
  go({ from: 'now-3h', metrics: [...place.value.metrics], hidden: [1] });
  expect(waits(place.value)).toBe(true);
  want(place.value);
  expect(waits(place.value)).toBe(false);
  follow(link(...many, 'y'));
  expect(waits(place.value)).toBe(true);
  follow(link(...many).replace('r1', 'r2'));
  expect(waits(place.value)).toBe(true);
  follow(link(...many));
  expect(waits(place.value)).toBe(false);
});

it('few queries of a link, and any that were written here, do not wait', () => {
  follow(link(...many.slice(0, 8)));
  expect(waits(place.value)).toBe(false);
  go({ metrics: [...many.slice(0, 8), 'z'] });
  expect(waits(place.value)).toBe(false);
});
