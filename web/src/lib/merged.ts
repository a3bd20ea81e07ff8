// Lines as they come, which is not always in the order of their time: a sender may be late, and a tail that
// goes on may say its last line again.

import { newestFirst, type Line } from './lines';

/** Both by their time, the newest first, each line once, and no more than `most`. */
export function merged(came: readonly Line[], before: readonly Line[], most: number): Line[] {
  const known = new Set(before.map(({ key }) => key));
  const fresh = came.filter(({ key }) => !known.has(key) && known.add(key)).sort(newestFirst);
  const found: Line[] = [];
  let at = 0;
  for (const line of fresh) {
    while (at < before.length && newestFirst(before[at]!, line) < 0) found.push(before[at++]!);
    found.push(line);
  }
  return [...found, ...before.slice(at)].slice(0, most);
}
