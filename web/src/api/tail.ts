// A resource's lines as they come: server-sent events, read by fetch, for only that sends a token.

import { parser } from '../lib/events';
import { lines, type Line, type Stream } from '../lib/lines';
import { CATEGORIES, type Asked } from './logs';
import { ask, Refused, resourcePath } from './request';

export interface Heard {
  lines?: Line[];
  /** How many the backend dropped, since they were not read in time. */
  dropped?: number;
  /** It broke off, and goes on as soon as it can. */
  gone?: boolean;
}

/** Where a tail goes on: behind the last event that was read. */
export interface From {
  last?: string;
}

/** Follows the lines until `signal` ends it. Where the connection breaks off it goes on from the last event. */
export async function follow(asked: Asked, signal: AbortSignal, hear: (heard: Heard) => void, from: From = {}): Promise<void> {
  let pause = 1000;
  while (!signal.aborted) {
    try {
      const answer = await ask(`${resourcePath(asked.project, asked.resource)}/logs/tail`, {
        params: { query: asked.query.trim() || undefined, limit: 100 },
        headers: { ...CATEGORIES, Accept: 'text/event-stream', ...(from.last === undefined ? {} : { 'Last-Event-ID': from.last }) },
        signal,
      });
      hear({ lines: [] });
      pause = 1000;
      await read(answer, from, hear);
    } catch (error) {
      if (signal.aborted) return;
      // What the API refused it would refuse again; a connection that broke off comes back.
      if (error instanceof Refused && error.status >= 400 && error.status < 500) throw error;
      if (pause > 8000) throw error;
    }
    if (signal.aborted) return;
    hear({ gone: true });
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause *= 2;
  }
}

async function read(answer: Response, from: From, hear: (heard: Heard) => void): Promise<void> {
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const parse = parser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const { name, data, id } of parse(value)) {
      if (id !== undefined) from.last = id;
      // Why it ended shows when it is asked for again: a role that is gone is a 403 then.
      if (name === 'end') return;
      const told = JSON.parse(data) as { streams?: Stream[]; dropped_entries?: unknown[] };
      if (name === 'dropped') hear({ dropped: told.dropped_entries?.length ?? 0 });
      else hear({ lines: lines(told.streams ?? []) });
    }
  }
}
