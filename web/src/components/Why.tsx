import { useEffect, useState } from 'preact/hooks';
import { config } from '../api/config';
import { may, sentence, sources, type Held } from '../lib/access';

/** Says by which roles one sees what one sees. */
export function Why({ held, project }: { held: readonly Held[]; project: string }) {
  const [contact, setContact] = useState<string>();
  useEffect(() => void config().then(({ contact }) => setContact(contact)), []);
  const found = sources(held);
  const reads = held.some(({ type, permissions }) => type === 'project' && permissions.includes('read'));
  return (
    <section class="why" aria-labelledby="why">
      <h2 id="why">Why can I see this?</h2>
      {!reads && <p>You can’t: logs and metrics are the project’s, and no role of yours lets you read <b>{project}</b>. Ask {contact ?? 'an Owner of it'} for one.</p>}
      <ul>
        {found.map(({ from, permissions }) => (
          <li key={from.type}>
            You may <b>{sentence(permissions.map(may))}</b> because of a role that you hold on the {from.type} <code>{from.id}</code>
            {from.type === 'organization' && <>, to which the project <code>{project}</code> belongs</>}.
          </li>
        ))}
      </ul>
      {reads && <p class="hint">A role on an organization holds for its projects, and a role on a project for its resources. Everybody who may read the project sees all of its resources.</p>}
    </section>
  );
}
