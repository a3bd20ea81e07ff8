// What charts have in common.

import { moment, type Zone } from '../lib/time';

/** A colour of the style sheet, as it is now. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The time of a mark: with its date where the range is of more than a day. */
export function clock(seconds: number, [first, last]: [number, number], zone: Zone): string {
  const [date = '', time = ''] = moment(seconds * 1000, zone).split(' ');
  if (last - first < 600) return time;
  return last - first > 86400 ? `${date.slice(5)} ${time.slice(0, 5)}` : time.slice(0, 5);
}
