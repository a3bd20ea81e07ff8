import { signal } from '@preact/signals';
import { parse, remember, type Past } from '../lib/history';

const KEY = 'explore.history';
export const history = signal<Past[]>(parse(localStorage.getItem(KEY)));

/** Keeps a query for another time. */
export function keep(of: string, query: string): void {
  // Another tab may have kept some meanwhile.
  history.value = remember(parse(localStorage.getItem(KEY)), of, query);
  localStorage.setItem(KEY, JSON.stringify(history.value));
}

/** Forgets all of them. */
export function forget(): void {
  history.value = [];
  localStorage.removeItem(KEY);
}
