import { useEffect, useState } from 'preact/hooks';
import { config, type Config } from '../api/config';
import { signIn } from '../auth/session';
import { place } from '../state/place';

/** The door: the issuer's, or in the demo a choice of who to be. */
export function SignIn({ why }: { why: string | undefined }) {
  const [told, setTold] = useState<Config>();
  const [failed, setFailed] = useState<string>();
  const wrong = failed ?? why;
  const say = (error: unknown): void => setFailed(error instanceof Error ? `${error.message}.` : String(error));
  useEffect(() => void config().then(setTold, say), []);
  const go = (hint?: string): void => void signIn(hint === undefined ? {} : { hint }).catch(say);
  const users = told?.users ?? [];
  const { resource, project } = place.value;
  return (
    <main class="door">
      <h1>Explore</h1>
      <p>{resource ? <>Sign in to see <b>{resource}</b> of <b>{project}</b>.</> : 'Logs and metrics of your resources.'}</p>
      {wrong && <p class="notice bad" role="alert">{wrong}</p>}
      {users.length > 0 ? (
        <>
          <h2>This is a demo: who are you?</h2>
          <ul class="choices">
            {users.map(({ name, description }) => {
              const [who, what] = description.split(/, (.*)/s);
              return (
                <li key={name}>
                  <button type="button" onClick={() => go(name)}>
                    <span class="avatar" aria-hidden="true">{who?.[0]}</span>
                    <span><b>{who}</b><small>{what}</small></span>
                  </button>
                </li>
              );
            })}
          </ul>
        </>
      ) : (
        told && <button type="button" class="primary" onClick={() => go()}>Sign in</button>
      )}
    </main>
  );
}
