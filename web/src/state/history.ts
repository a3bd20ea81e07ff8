// The queries that were run, in this browser's storage: those of who is signed in, and of nobody before them.

import { effect, signal } from '@preact/signals';
import { session } from '../auth/session';
import { recall, remember, stored, type Past } from '../lib/history';

const KEY = 'explore.history';
export const history = signal<Past[]>([]);

/** Whose they are: a subject is one of its issuer. */
let who: string | undefined;

effect(() => {
  const now = session.value;
  who = now.status === 'in' ? JSON.stringify([now.issuer, now.subject]) : undefined;
  if (now.status === 'out' && now.forget) return forget();
  const past = who === undefined ? [] : recall(localStorage.getItem(KEY), who);
  history.value = past;
  // Another one's are dropped, not only left out.
  if (who !== undefined && !past.length) localStorage.removeItem(KEY);
});

/** Keeps a query that was answered, for another time. What is answered after signing out is not kept. */
export function keep(of: string, query: string): void {
  if (who === undefined) return;
  // Another tab may have kept some meanwhile.
  history.value = remember(recall(localStorage.getItem(KEY), who), of, query);
  localStorage.setItem(KEY, stored(who, history.value));
}

/** Forgets all of them. */
export function forget(): void {
  history.value = [];
  localStorage.removeItem(KEY);
}
