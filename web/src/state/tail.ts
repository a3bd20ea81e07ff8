// Lines as they come. While it is paused they gather, up to as many as are shown, and nothing moves.

import { signal } from '@preact/signals';
import { isRefusal } from '../api/refusal';
import { follow, type From, type Heard } from '../api/tail';
import type { Asked } from '../api/logs';
import { merged } from '../lib/merged';
import type { Line } from '../lib/lines';

export interface Tail {
  status: 'off' | 'connecting' | 'on' | 'reconnecting' | 'failed';
  paused: boolean;
  lines: Line[];
  /** What came since the pause, newest first. */
  held: Line[];
  dropped: number;
  /** When it was last heard of, in Unix milliseconds. */
  at: number;
  error?: unknown;
}

/** The most lines that are kept. */
const MOST = 5000;
const OFF: Tail = { status: 'off', paused: false, lines: [], held: [], dropped: 0, at: 0 };
export const tail = signal<Tail>(OFF);

let running: AbortController | undefined;
let from: From = {};
/** What came since the list was last drawn. */
let waiting: Line[] = [];
let frame = 0;

/** Follows what is asked; what is shown of the same stays where it is asked for again. */
export function begin(asked: Asked, again = false): void {
  const before = tail.value;
  end();
  const mine = (running = new AbortController());
  if (!again) from = {};
  tail.value = again ? { ...before, status: 'reconnecting', error: undefined } : { ...OFF, status: 'connecting' };
  follow(asked, mine.signal, hear, from).catch((error: unknown) => {
    if (mine.signal.aborted) return;
    draw();
    // Whoever may not see it any more does not.
    tail.value = isRefusal(error) ? { ...OFF, status: 'failed', error } : { ...tail.value, status: 'failed', error };
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
  tail.value = paused ? { ...tail.value, paused } : { ...tail.value, paused, lines: merged(held, lines, MOST), held: [] };
}

function hear({ lines = [], dropped = 0, gone = false }: Heard): void {
  waiting.push(...lines);
  const status = gone ? 'reconnecting' : 'on';
  if (tail.value.status !== status || dropped) tail.value = { ...tail.value, status, at: gone ? tail.value.at : Date.now(), dropped: tail.value.dropped + dropped };
  // However much comes, it is drawn once a frame.
  frame ||= requestAnimationFrame(draw);
}

function draw(): void {
  cancelAnimationFrame(frame);
  frame = 0;
  if (!waiting.length) return;
  const came = waiting;
  waiting = [];
  const now = tail.value;
  tail.value = now.paused ? { ...now, held: merged(came, now.held, MOST) } : { ...now, lines: merged(came, now.lines, MOST) };
}
