import { signOut } from '../auth/session';
import { go, place } from '../state/place';
import { theme, type Theme } from '../state/theme';
import { Popup } from './Popup';

const THEMES: [Theme, string][] = [['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']];

/** Who one is, how the page looks to them, and the way out. */
export function Account({ name }: { name: string }) {
  const [who, what] = name.split(/, (.*)/s);
  return (
    <Popup class="account end" title={`Account of ${name}`} label={<span class="avatar" aria-hidden="true">{name[0]}</span>}>
      {() => (
        <>
          <p class="who"><b>{who}</b>{what && <small>{what}</small>}</p>
          <fieldset>
            <legend>Colours</legend>
            {THEMES.map(([each, label]) => (
              <label key={each}>
                <input type="radio" name="theme" checked={theme.value === each} onChange={() => (theme.value = each)} /> {label}
              </label>
            ))}
          </fieldset>
          <fieldset>
            <legend>Times</legend>
            {(['local', 'utc'] as const).map((each) => (
              <label key={each}>
                <input type="radio" name="zone" checked={place.value.zone === each} onChange={() => go({ zone: each }, { replace: true })} />{' '}
                {each === 'utc' ? 'UTC' : `Local (${Intl.DateTimeFormat().resolvedOptions().timeZone})`}
              </label>
            ))}
          </fieldset>
          <button type="button" class="wide" onClick={() => void signOut()}>Sign out</button>
        </>
      )}
    </Popup>
  );
}
