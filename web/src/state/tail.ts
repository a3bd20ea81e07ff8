// Lines as they come. While it is paused they gather, up to as many as are shown, and nothing moves.

import { signal } from '@preact/signals';
import { follow, type Heard } from '../api/tail';
import type { Asked } from '../api/logs';
import { newestFirst, type Line } from '../lib/lines';

export interface Tail {
  status: 'off' | 'connecting' | 'on' | 'failed';
  paused: boolean;
  lines: Line[];
  /** What came since the pause, newest first. */
  held: Line[];
  dropped: number;
  error?: unknown;
}

/** The most lines that are kept. */
const MOST = 5000;
const OFF: Tail = { status: 'off', paused: false, lines: [], held: [], dropped: 0 };
export const tail = signal<Tail>(OFF);

let running: AbortController | undefined;
/** What came since the list was last drawn. */
let waiting: Line[] = [];
let frame = 0;

export function begin(asked: Asked): void {
  end();
  const mine = (running = new AbortController());
  tail.value = { ...OFF, status: 'connecting' };
  follow(asked, mine.signal, hear).catch((error: unknown) => {
    if (!mine.signal.aborted) tail.value = { ...tail.value, status: 'failed', error };
  });
}

export function end(): void {
  running?.abort();
  running = undefined;
  waiting = [];
  cancelAnimationFrame(frame);
  frame = 0;
  tail.value = OFF;
}

/** Stops what moves, or lets it go on with what came meanwhile. */
export function pause(paused: boolean): void {
  const { lines, held } = tail.value;
  tail.value = paused ? { ...tail.value, paused } : { ...tail.value, paused, lines: put(held, lines), held: [] };
}

function hear({ lines = [], dropped = 0 }: Heard): void {
  waiting.push(...lines);
  if (tail.value.status !== 'on' || dropped) tail.value = { ...tail.value, status: 'on', dropped: tail.value.dropped + dropped };
  // However much comes, it is drawn once a frame.
  frame ||= requestAnimationFrame(draw);
}

function draw(): void {
  frame = 0;
  if (!waiting.length) return;
  const came = waiting.sort(newestFirst);
  waiting = [];
  const now = tail.value;
  tail.value = now.paused ? { ...now, held: put(came, now.held) } : { ...now, lines: put(came, now.lines) };
}

/** The newer ones before the older, and none twice: a tail that goes on may say its last line again. */
function put(newer: readonly Line[], older: readonly Line[]): Line[] {
  const known = new Set(older.map(({ key }) => key));
  return [...newer.filter(({ key }) => !known.has(key)), ...older].slice(0, MOST);
}
