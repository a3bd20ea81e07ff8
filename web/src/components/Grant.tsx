import { useState } from 'preact/hooks';
import { grant, type At, type Role } from '../api/access';
import { endOf } from '../lib/access';

/** Gives somebody a role on a place. */
export function Grant({ at, roles, done }: { at: At; roles: readonly Role[]; done: (sentence: string) => void }) {
  const [who, setWho] = useState('');
  const [role, setRole] = useState(roles.find(({ name }) => name === 'Viewer')?.role_id ?? roles[0]?.role_id ?? '');
  const [until, setUntil] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState('');
  const chosen = roles.find(({ role_id }) => role_id === role);
  const give = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    setWrong('');
    grant(at, who.trim(), role, endOf(until)).then(
      () => { setBusy(false); setWho(''); done(`${who.trim()} is now ${chosen?.display_name ?? role} of the ${at.type} ${at.id}.`); },
      (error: unknown) => { setBusy(false); setWrong(error instanceof Error ? error.message : String(error)); },
    );
  };
  return (
    <form class="grant" onSubmit={give}>
      <h3>Give a role on the {at.type} <code>{at.id}</code></h3>
      <label>To <input type="text" required value={who} placeholder="e-mail address or subject" autocomplete="off" spellcheck={false} onInput={(event) => setWho(event.currentTarget.value)} /></label>
      <label>Role <select value={role} onChange={(event) => setRole(event.currentTarget.value)}>{roles.map(({ role_id, display_name }) => <option key={role_id} value={role_id}>{display_name}</option>)}</select></label>
      <label>Until the end of <input type="date" value={until} onInput={(event) => setUntil(event.currentTarget.value)} /></label>
      <button type="submit" class="primary" disabled={busy}>Give</button>
      {chosen?.description && <p class="hint">{chosen.description}</p>}
      {wrong && <p class="notice bad" role="alert">{wrong}</p>}
    </form>
  );
}
