import { share, write } from '../lib/place';
import { place } from '../state/place';
import { CopyButton } from './CopyButton';

/** Copies a link to what is seen, fixed in time. */
export function Share() {
  const link = (): string => `${location.origin}${location.pathname}${write(share(place.value, Date.now()))}`;
  return <CopyButton label="Copy link" title="A link to this very range, for who may read this resource" text={link} />;
}
