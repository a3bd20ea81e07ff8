// Whether the screen is as narrow as a telephone; the style sheets have the same width.

import { computed, signal } from '@preact/signals';
import { place } from './place';

const query = matchMedia('(max-width: 620px)');
export const narrow = signal(query.matches);
query.addEventListener('change', () => (narrow.value = query.matches));

/** Whether lines are wrapped: as somebody chose, and otherwise where there is no room for them. */
export const wraps = computed(() => place.value.wrap ?? narrow.value);
