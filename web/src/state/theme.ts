// Dark or light: as the system has it, unless somebody chose.

import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'explore.theme';

const stored = localStorage.getItem(KEY);
export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');

const system = matchMedia('(prefers-color-scheme: dark)');
/** What is to be seen; charts are painted anew with it. */
export const dark = signal(false);

const settle = (): void => {
  dark.value = theme.value === 'system' ? system.matches : theme.value === 'dark';
  document.documentElement.dataset['theme'] = dark.value ? 'dark' : 'light';
};
system.addEventListener('change', settle);
effect(() => {
  if (theme.value === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme.value);
  settle();
});
