import { useEffect, useState } from 'preact/hooks';
import { assignments, roles, type Assignment, type At, type Role } from '../api/access';
import { session } from '../auth/session';
import type { ScopeType } from '../lib/access';
import { moment } from '../lib/time';
import { place } from '../state/place';
import { Grant } from './Grant';
import { Problem } from './Problem';
import { Withdraw } from './Withdraw';

interface Props {
  at: At;
  /** Where the caller may give and withdraw roles. */
  managed: readonly At[];
  choose: (type: ScopeType) => void;
  /** Something was changed that may concern the caller, too. */
  changed: () => void;
}

/** Who holds a role that reaches a place, and the means to change it. */
export function Holders({ at, managed, choose, changed }: Props) {
  const [found, setFound] = useState<{ all?: Assignment[]; roles?: Role[]; error?: unknown }>({});
  const [round, setRound] = useState(0);
  const [leaving, setLeaving] = useState<Assignment>();
  const [done, setDone] = useState('');
  useEffect(() => {
    const gone = new AbortController();
    Promise.all([assignments(at, gone.signal), roles(gone.signal)]).then(
      ([all, roles]) => setFound({ all, roles }),
      (error: unknown) => gone.signal.aborted || setFound({ error }),
    );
    return () => gone.abort();
  }, [at.path, round]);
  const after = (sentence: string): void => {
    setLeaving(undefined);
    setDone(sentence);
    setRound(round + 1);
    changed();
  };
  const me = session.value.status === 'in' ? session.value.subject : '';
  return (
    <section class="holders" aria-labelledby="holders">
      <h2 id="holders">Who else?</h2>
      <div class="of" role="group" aria-label="Roles on">
        {managed.map(({ type, id }) => (
          <button type="button" key={type} aria-pressed={type === at.type} onClick={() => choose(type)}>{type} <code>{id}</code></button>
        ))}
      </div>
      <p role="status" class="hint">{done || (found.all ? '' : 'Loading …')}</p>
      {found.error !== undefined && <Problem error={found.error} retry={() => setRound(round + 1)} />}
      {found.all && (
        <div class="table" role="region" aria-label={`Roles that reach the ${at.type} ${at.id}`} tabIndex={0}>
          {/* The roles are named, as the narrow page lays it out as what is no table. */}
          <table role="table">
            <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Who</th><th role="columnheader" scope="col">Role</th><th role="columnheader" scope="col">Held on</th><th role="columnheader" scope="col">Until</th><th role="columnheader" scope="col"><span class="unseen">Change</span></th></tr></thead>
            <tbody role="rowgroup">
              {found.all.map((each) => (
                <tr role="row" key={each.assignment_id} class={each.inheritance_type}>
                  <th role="rowheader" scope="row">{each.user.name ?? each.user.email ?? each.user_id}{each.user_id === me && ' (you)'}<small>{each.user.name && each.user.email ? each.user.email : each.user_id}</small></th>
                  <td role="cell" title={each.role.description ?? undefined}>{each.role.display_name}</td>
                  <td role="cell">{each.inheritance_type === 'direct' ? `this ${at.type}` : <><span class="mark">inherited</span> from the {each.inherited_from_scope_type} <code>{each.inherited_from_scope_id}</code></>}</td>
                  <td role="cell">{each.expires_at === null ? 'it is withdrawn' : moment(Date.parse(each.expires_at), place.value.zone)}</td>
                  <td role="cell">{change(each)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.roles && <Grant at={at} roles={found.roles} done={after} />}
      {leaving && <Withdraw at={at} assignment={leaving} isMe={leaving.user_id === me} close={() => setLeaving(undefined)} done={after} />}
    </section>
  );

  function change(each: Assignment) {
    if (each.inheritance_type === 'direct') return <button type="button" onClick={() => setLeaving(each)}>Withdraw<span class="unseen"> {each.role.display_name} of {each.user.name ?? each.user_id}</span></button>;
    const from = each.inherited_from_scope_type;
    return from && managed.some(({ type }) => type === from) ? <button type="button" class="link" onClick={() => choose(from)}>Show it there</button> : null;
  }
}
