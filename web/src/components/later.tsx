import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from './Problem';

/** A view whose code is loaded when it is looked at first. */
export function later(load: () => Promise<FunctionComponent>): FunctionComponent {
  let known: FunctionComponent | undefined;
  return function Later() {
    const [View, setView] = useState(() => known);
    const [error, setError] = useState<unknown>();
    const begin = (): void => {
      setError(undefined);
      load().then((view) => setView(() => (known = view)), setError);
    };
    useEffect(() => { if (!known) begin(); }, []);
    if (View) return <View />;
    if (error !== undefined) return <main class="view"><Problem error={error} retry={begin} /></main>;
    return <p class="splash" role="status">Loading …</p>;
  };
}
