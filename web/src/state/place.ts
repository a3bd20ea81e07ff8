// The place one is at, in step with the URL's fragment.

import { effect, signal } from '@preact/signals';
import { read, write, type Place } from '../lib/place';

export const place = signal<Place>(read(location.hash));

addEventListener('hashchange', () => {
  place.value = read(location.hash);
});

/** Goes elsewhere. `replace` is for what nobody would want to go back to. */
export function go(change: Partial<Place>, { replace = false } = {}): void {
  const next = { ...place.value, ...change };
  const fragment = write(next);
  if (fragment !== location.hash) history[replace ? 'replaceState' : 'pushState'](null, '', fragment);
  place.value = next;
}

effect(() => {
  const { project, resource } = place.value;
  document.title = resource ? `${resource} · ${project} · Explore` : 'Explore';
});
