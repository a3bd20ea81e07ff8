// Where rows of a long list stand, of which only those in sight are drawn.

/** The tops of rows, and the end of the last one. */
export function tops(heights: readonly number[]): Float64Array {
  const found = new Float64Array(heights.length + 1);
  for (let index = 0; index < heights.length; index += 1) found[index + 1] = found[index]! + heights[index]!;
  return found;
}

/** The row at this height: the last whose top is not below it. */
export function rowAt(tops: Float64Array, height: number): number {
  let [low, high] = [0, tops.length - 2];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle]! <= height) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}
