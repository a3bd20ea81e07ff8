import { useEffect, useRef, useState } from 'preact/hooks';
import { search } from '../lib/search';
import { catalog, type Entry } from '../state/catalog';
import { go, place } from '../state/place';
import { want } from './Heading';
import { Middle } from './Middle';

/** Chooses a resource, of all that the caller may read: by typing, with arrows, or by a click. */
export function Picker() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState(false);
  const { project, resource } = place.value;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        setOpen(true);
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const pick = ({ project, resource }: Entry): void => {
    // It gives the focus back when it closes, and what follows takes it.
    dialog.current?.close();
    setOpen(false);
    want();
    go({ project: project.project_id, resource: resource.resource_id, query: '', metrics: [] });
  };
  return (
    <>
      <button type="button" class="where" onClick={() => setOpen(true)} aria-haspopup="dialog" title="Choose a resource (Ctrl+K)">
        {resource ? <><span class="of"><Middle text={project} /></span><b><Middle text={resource} /></b></> : 'Choose a resource'}
        <span class="caret" aria-hidden="true">▾</span>
      </button>
      <dialog ref={dialog} class="picker" aria-label="Choose a resource" onClose={() => setOpen(false)} onClick={(event) => event.target === dialog.current && setOpen(false)}>
        {open && <Choice pick={pick} />}
      </dialog>
    </>
  );
}

/** The list to choose from, as a combobox (WAI-ARIA Authoring Practices). */
export function Choice({ pick }: { pick: (entry: Entry) => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const known = catalog.value;
  const found = search(known.entries, text);
  const active = Math.min(at, found.length - 1);
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const move = moves[event.key];
    if (move !== undefined) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(found.length - 1, active + move)));
    } else if (event.key === 'Enter' && found[active]) {
      event.preventDefault();
      pick(found[active]);
    }
  };
  useEffect(() => document.getElementById(`entry-${active}`)?.scrollIntoView({ block: 'nearest' }), [active]);
  return (
    <div class="choice">
      <input
        type="text" role="combobox" aria-label="Search organizations, projects and resources" placeholder="Search …"
        aria-expanded="true" aria-controls="entries" aria-activedescendant={found.length ? `entry-${active}` : undefined}
        autocomplete="off" spellcheck={false} autofocus value={text} onKeyDown={onKeyDown}
        onInput={(event) => { setText(event.currentTarget.value); setAt(0); }}
      />
      <ul id="entries" role="listbox" aria-label="Resources">
        {found.map((entry, index) => {
          const { organization, project, resource } = entry;
          const before = found[index - 1];
          const isNew = before?.project.project_id !== project.project_id;
          return (
            <li key={`${project.project_id}/${resource.resource_id}`} id={`entry-${index}`} role="option" aria-selected={index === active}
              class={isNew ? 'first' : ''} onPointerMove={() => index !== active && setAt(index)} onClick={() => pick(entry)}>
              {isNew && <span class="group" aria-hidden="true">{organization && `${organization} / `}{project.name} <code>{project.project_id}</code></span>}
              <span class="entry"><b><Middle text={resource.resource_id} /></b><span><Middle text={resource.name} /></span><small>{resource.type}</small></span>
            </li>
          );
        })}
      </ul>
      <p class="hint" role="status">
        {known.status === 'loading' ? 'Loading …' : found.length ? `${found.length} of ${known.entries.length}` : text ? 'Nothing matches.' : 'There is nothing that you may read.'}
      </p>
    </div>
  );
}
