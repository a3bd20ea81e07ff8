// The place one is at, in step with the URL's fragment.

import { effect, signal } from '@preact/signals';
import { areMany, read, write, type Place } from '../lib/place';

export const place = signal<Place>(read(location.hash));

addEventListener('hashchange', () => {
  place.value = read(location.hash);
});

/** Lists of many queries that somebody wants run: what they wrote here, or said so of. */
const wanted = signal<ReadonlySet<string>>(new Set());
const listed = ({ project, resource, metrics }: Pick<Place, 'project' | 'resource' | 'metrics'>): string => JSON.stringify([project, resource, metrics]);

/** Whether a place's queries wait until somebody says that they are to run: a link brought them, and they are many. */
export const waits = (at: Place): boolean => areMany(at.metrics) && !wanted.value.has(listed(at));

/** Says that a place's queries are to run. */
export function want(at: Place): void {
  if (waits(at)) wanted.value = new Set([...wanted.value, listed(at)]);
}

/** Goes elsewhere. `replace` is for what nobody would want to go back to. */
export function go(change: Partial<Place>, { replace = false } = {}): void {
  const next = { ...place.value, ...change };
  // Who changes something beside queries that wait has not said that they are to run.
  if (change.metrics && !waits(place.value)) want(next);
  const fragment = write(next);
  if (fragment !== location.hash) history[replace ? 'replaceState' : 'pushState'](null, '', fragment);
  place.value = next;
}

effect(() => {
  const { project, resource } = place.value;
  document.title = resource ? `${resource} · ${project} · Explore` : 'Explore';
});
