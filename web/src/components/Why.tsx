import { useEffect, useState } from 'preact/hooks';
import type { Assignment } from '../api/access';
import { config } from '../api/config';
import { session } from '../auth/session';
import { alike, may, sentence, sources, type Held, type Named } from '../lib/access';

interface Props {
  /** What one may at each place, the outermost first. */
  held: readonly Held[];
  /** Who holds which role, as far as one may see it: of oneself it is seen by who manages access. */
  assigned: readonly Assignment[];
  named: readonly Named[];
  project: string;
}

/** Says by which roles one sees what one sees. */
export function Why({ held, assigned, named, project }: Props) {
  const [contact, setContact] = useState<string>();
  useEffect(() => void config().then(({ contact }) => setContact(contact)), []);
  const found = sources(held);
  const reads = held.some(({ type, permissions }) => type === 'project' && permissions.includes('read'));
  const me = session.value.status === 'in' ? session.value.subject : undefined;
  const here = held.at(-1)?.type;
  const own = ({ type }: Held): string[] =>
    [...new Set(assigned.filter((each) => each.user_id === me && (each.inherited_from_scope_type ?? here) === type).map(({ role }) => role.display_name))];
  // Further in, what a role gives cannot be told from what comes from outside.
  const like = (from: Held): string[] => (from === found[0]?.from ? alike(from.permissions, named) : []);
  return (
    <section class="why" aria-labelledby="why">
      <h2 id="why">Why can I see this?</h2>
      {!reads && <p>You can’t: logs and metrics are the project’s, and no role of yours lets you read <b>{project}</b>. Ask {contact ?? 'an Owner of it'} for one.</p>}
      <ul>
        {found.map(({ from, permissions }) => {
          const mine = own(from);
          const [alone] = mine.length ? [] : like(from);
          return (
            <li key={from.type}>
              You may <b>{sentence(permissions.map(may))}</b> because {mine.length ? <>you are <b>{sentence(mine)}</b> of</> : 'of a role that you hold on'} the {from.type} <code>{from.id}</code>
              {from.type === 'organization' && <>, to which the project <code>{project}</code> belongs</>}.
              {alone !== undefined && <> That is what <b>{alone}</b> may.</>}
            </li>
          );
        })}
      </ul>
      {reads && <p class="hint">A role on an organization holds for its projects, and a role on a project for its resources. Everybody who may read the project sees all of its resources.</p>}
    </section>
  );
}
