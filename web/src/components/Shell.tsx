import { useEffect } from 'preact/hooks';
import { VIEWS, write } from '../lib/place';
import { catalog, load } from '../state/catalog';
import { go, place } from '../state/place';
import { Account } from './Account';
import { Boundary } from './Boundary';
import { Logs } from './Logs';
import { Picker } from './Picker';
import { Welcome } from './Welcome';
import { BUILT } from './views';

/** What is around every view: where one is, what can be looked at, and who one is. */
export function Shell({ name }: { name: string }) {
  useEffect(() => void load(), []);
  const { view, resource } = place.value;
  const View = BUILT[view] ?? Logs;
  return (
    <>
      <header class="top">
        <a class="brand" href="#/">Explore</a>
        <Picker />
        {resource && Object.keys(BUILT).length > 1 && (
          <nav aria-label="Views">
            {VIEWS.filter((each) => BUILT[each]).map((each) => (
              <button type="button" key={each} aria-current={each === view ? 'page' : undefined} onClick={() => go({ view: each })}>
                {each}
              </button>
            ))}
          </nav>
        )}
        <Account name={name} />
      </header>
      <Boundary at={write(place.value)}>
        {resource ? <View key={`${view}/${place.value.project}/${resource}`} /> : <Welcome name={name} catalog={catalog.value} />}
      </Boundary>
    </>
  );
}
