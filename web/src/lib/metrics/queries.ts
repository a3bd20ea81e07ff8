// Changing the list of queries by clicks. A query is known by its place in the list, so what refers to it moves along.

import type { Place } from '../place';

type Change = Pick<Place, 'metrics' | 'hidden'>;

/** The list with one more, empty query. */
export const added = ({ metrics, hidden }: Change): Change => ({ metrics: [...metrics, ''], hidden });

/** The list without one of its queries. */
export const removed = ({ metrics, hidden }: Change, index: number): Change => ({
  metrics: metrics.filter((_, at) => at !== index),
  hidden: hidden.filter((at) => at !== index).map((at) => (at > index ? at - 1 : at)),
});

/** The list with one of its queries hidden, or shown again. */
export const toggled = ({ metrics, hidden }: Change, index: number): Change => ({
  metrics,
  hidden: hidden.includes(index) ? hidden.filter((at) => at !== index) : [...hidden, index].sort((one, other) => one - other),
});

/** The place of a chart with these queries. */
export const chartOf = (metrics: readonly string[], stacked = false): Partial<Place> => ({
  view: 'metrics', live: false, metrics: [...metrics], hidden: [], only: [], stacked, log: false, unit: '', table: false,
});
