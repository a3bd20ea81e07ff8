import { useEffect, useState } from 'preact/hooks';
import { config } from '../api/config';
import type { Catalog } from '../state/catalog';
import { load } from '../state/catalog';
import { go } from '../state/place';
import { want } from './Heading';
import { Choice } from './Picker';
import { Problem } from './Problem';

/** Before a resource is chosen: all that there are, or whom to ask where there is none. */
export function Welcome({ name, catalog }: { name: string; catalog: Catalog }) {
  const [contact, setContact] = useState<string>();
  useEffect(() => void config().then(({ contact }) => setContact(contact)), []);
  if (catalog.status === 'failed') return <main class="door"><Problem error={catalog.error} retry={() => void load()} /></main>;
  if (catalog.status === 'ready' && catalog.entries.length === 0) {
    return (
      <main class="door">
        <h1>Nothing to see yet</h1>
        <p>You are signed in as <b>{name}</b>, and {catalog.projects ? 'the projects that you may read have no resources.' : 'hold no role on any project.'}</p>
        {!catalog.projects && <p>Ask {contact ?? 'an Owner of the project or organization'} for a role that may read, such as Viewer.</p>}
        <button type="button" onClick={() => void load()}>Look again</button>
      </main>
    );
  }
  return (
    <main class="door wide">
      <h1>What do you want to look at?</h1>
      <Choice pick={({ project, resource }) => { want(); go({ project: project.project_id, resource: resource.resource_id }); }} />
    </main>
  );
}
