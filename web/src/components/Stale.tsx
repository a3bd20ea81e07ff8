import { moment } from '../lib/time';
import { place } from '../state/place';
import { title, told } from './Problem';

interface Props {
  /** When the last answer came, in Unix milliseconds. */
  at: number;
  error: unknown;
  /** Whether it tries again by itself. */
  tries: boolean;
  retry: () => void;
}

/** Above an answer that stays, since there is no newer one: since when, and why. */
export function Stale({ at, error, tries, retry }: Props) {
  return (
    <p class="stale" role="status" title={told(error)}>
      <span>No answer since {moment(at, place.value.zone).slice(11)}: {title(error).replace(/^The|^This|^No/, (word) => word.toLowerCase())}{tries && ', trying again'}</span>
      <button type="button" onClick={retry}>Retry</button>
    </p>
  );
}
