import '../style/access.css';
import { useEffect, useState } from 'preact/hooks';
import { assignments, held, permissionsOf, roles, type Assignment, type At } from '../api/access';
import type { Held, Named, ScopeType } from '../lib/access';
import { catalog } from '../state/catalog';
import { place } from '../state/place';
import { Heading } from './Heading';
import { Holders } from './Holders';
import { Problem } from './Problem';
import { Why } from './Why';

/** Who may see the resource, and why. */
export function Access() {
  const { project, resource } = place.value;
  const organization = catalog.value.entries.find((entry) => entry.project.project_id === project)?.project.org_id ?? undefined;
  const [mine, setMine] = useState<{ held?: Held[]; assigned?: Assignment[]; named?: Named[]; error?: unknown }>({});
  const [round, setRound] = useState(0);
  const [chosen, setChosen] = useState<ScopeType>('project');
  const places = at(organization, project, resource);
  useEffect(() => {
    // Whether the project is in an organization is known with the catalog.
    if (catalog.value.status === 'loading') return undefined;
    const leaving = new AbortController();
    const { signal } = leaving;
    const ask = async (): Promise<typeof mine> => {
      const found = await Promise.all(places.map((each) => held(each, signal)));
      // The innermost place has the roles held on all that it is in. Why one may, is said without names as well.
      const inner = places.findLast((_, index) => found[index]!.permissions.includes('manage_access'));
      const [assigned, named] = await Promise.all([inner ? assignments(inner, signal).catch(() => []) : [], known(signal).catch(() => [])]);
      return { held: found, assigned, named };
    };
    ask().then(
      (found) => signal.aborted || setMine(found),
      (error: unknown) => leaving.signal.aborted || setMine({ error }),
    );
    return () => leaving.abort();
  }, [organization, project, resource, round, catalog.value.status === 'loading']);
  const managed = places.filter((_, index) => mine.held?.[index]?.permissions.includes('manage_access'));
  const shown = managed.find(({ type }) => type === chosen) ?? managed[0];
  return (
    <main class="view access">
      <Heading>Access to {resource}</Heading>
      {mine.error !== undefined && <Problem error={mine.error} retry={() => setRound(round + 1)} />}
      {mine.error === undefined && !mine.held && <p role="status" class="hint">Loading …</p>}
      {mine.held && <Why held={mine.held} assigned={mine.assigned ?? []} named={mine.named ?? []} project={project} />}
      {mine.held && !shown && <p class="hint">Who else may is shown to those who manage access here.</p>}
      {shown && (
        <Holders key={`${shown.type}/${shown.id}`} at={shown} managed={managed} choose={setChosen} changed={() => setRound(round + 1)} />
      )}
    </main>
  );
}

/** The roles that there are, and what each lets one do. */
async function known(signal: AbortSignal): Promise<Named[]> {
  return Promise.all((await roles(signal)).map(async (role) => ({ name: role.display_name, permissions: await permissionsOf(role, signal) })));
}

/** The places whose roles count here, the outermost first. */
function at(organization: string | undefined, project: string, resource: string): At[] {
  const of = (type: ScopeType, id: string, path: string): At => ({ type, id, path });
  const escaped = encodeURIComponent;
  return [
    ...(organization === undefined ? [] : [of('organization', organization, `organizations/${escaped(organization)}`)]),
    of('project', project, `projects/${escaped(project)}`),
    of('resource', resource, `projects/${escaped(project)}/resources/${escaped(resource)}`),
  ];
}
