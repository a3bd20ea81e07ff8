import { useEffect, useState } from 'preact/hooks';
import { config } from '../api/config';
import { Refused } from '../api/request';
import { mistake } from '../lib/completion';
import { place } from '../state/place';

/** Says what went wrong in the words of who it happens to, and what can be done. `marked` is a query in whose field the mistake is marked. */
export function Problem({ error, retry, marked }: { error: unknown; retry: () => void; marked?: string | undefined }) {
  const status = error instanceof Refused ? error.status : -1;
  const sentence = told(error);
  const id = error instanceof Refused ? error.requestId : undefined;
  // What is marked in the query's field is said there.
  const isMarked = marked !== undefined && mistake(marked, sentence) !== undefined;
  // A sentence of the API may name the request itself.
  const isNamed = id !== undefined && sentence.includes(id);
  const wait = error instanceof Refused && status === 429 ? (error.retryAfter ?? 5) : undefined;
  return (
    <section class="problem" role="alert">
      <h2>{title(error)}</h2>
      {isMarked ? <p>What is wrong is marked in the query.</p> : <p class={status === 400 ? 'code' : ''}>{sentence.charAt(0).toUpperCase() + sentence.slice(1)}</p>}
      {status === 403 && <Whom />}
      {status >= 500 && <Help />}
      {wait !== undefined ? <Countdown from={wait} retry={retry} /> : status !== 403 && status !== 400 && <button type="button" onClick={retry}>Try again</button>}
      {id && !isNamed && status >= 500 && <p class="hint">Request <code>{id}</code></p>}
    </section>
  );
}

/** What it is in a few words. */
export function title(error: unknown): string {
  const status = error instanceof Refused ? error.status : -1;
  switch (status) {
    case -1: return 'This did not work';
    case 0: return 'No connection';
    case 400: return 'The query cannot be answered';
    case 401: return 'Please sign in again';
    case 403: return 'You may not read this';
    case 404: return 'There is no such resource';
    case 429: return 'Too much at once';
    case 502: return 'The backend is down';
    case 503: return 'Not available at the moment';
    case 504: return 'The backend takes too long';
    default: return status >= 500 ? 'The server has a problem' : 'The request was refused';
  }
}

/** What the API, or the browser, said. */
export const told = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whom people are to ask, where the operator says so. */
function useContact(): string | undefined {
  const [contact, setContact] = useState<string>();
  useEffect(() => void config().then(({ contact }) => setContact(contact)), []);
  return contact;
}

function Help() {
  const contact = useContact();
  return contact ? <p>If it stays so, tell {contact}.</p> : null;
}

function Whom() {
  const contact = useContact();
  return <p>Ask {contact ?? <>an Owner of <b>{place.value.project}</b> or of its organization</>} for a role that may read, such as Viewer.</p>;
}

/** Counts down to the time that the API named, and then tries by itself. */
function Countdown({ from, retry }: { from: number; retry: () => void }) {
  const [left, setLeft] = useState(from);
  useEffect(() => {
    if (left <= 0) {
      retry();
      return undefined;
    }
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return <p><b class="count">{left}</b> {left === 1 ? 'second' : 'seconds'} until the next attempt. <button type="button" onClick={() => setLeft(0)}>Try now</button></p>;
}
