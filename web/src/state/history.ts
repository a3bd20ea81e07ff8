import { signal } from '@preact/signals';
import { session } from '../auth/session';
import { parse, remember, type Past } from '../lib/history';

const KEY = 'explore.history';
export const history = signal<Past[]>(parse(localStorage.getItem(KEY)));

/** Keeps a query that was answered, for another time. What is answered after signing out is not kept. */
export function keep(of: string, query: string): void {
  if (session.value.status !== 'in') return;
  // Another tab may have kept some meanwhile.
  history.value = remember(parse(localStorage.getItem(KEY)), of, query);
  localStorage.setItem(KEY, JSON.stringify(history.value));
}

/** Forgets all of them. */
export function forget(): void {
  history.value = [];
  localStorage.removeItem(KEY);
}
