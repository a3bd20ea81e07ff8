// What the caller may read: filled once after signing in, and again when asked.

import { signal } from '@preact/signals';
import { organizations, projects, resources, type Project, type Resource } from '../api/directory';
import { byName } from '../lib/search';

export interface Entry {
  organization: string;
  project: Project;
  resource: Resource;
}

export type Catalog =
  | { status: 'loading'; entries: Entry[] }
  | { status: 'ready'; entries: Entry[]; projects: number }
  | { status: 'failed'; entries: Entry[]; error: unknown };

export const catalog = signal<Catalog>({ status: 'loading', entries: [] });

/** How many projects are asked at a time. */
const WIDTH = 6;

export async function load(): Promise<void> {
  catalog.value = { status: 'loading', entries: [] };
  try {
    const [orgs, all] = await Promise.all([organizations(), projects()]);
    const names = new Map(orgs.map((org) => [org.org_id, org.name]));
    const found: Entry[] = [];
    const waiting = [...all];
    const work = async (): Promise<void> => {
      for (let project = waiting.shift(); project; project = waiting.shift()) {
        const of = project;
        const organization = of.org_id === null ? '' : (names.get(of.org_id) ?? of.org_id);
        // A project that went away meanwhile has nothing to pick.
        const list = await resources(of.project_id).catch(() => []);
        found.push(...list.map((resource) => ({ organization, project: of, resource })));
        catalog.value = { status: 'loading', entries: sorted(found) };
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, work));
    catalog.value = { status: 'ready', entries: sorted(found), projects: all.length };
  } catch (error) {
    catalog.value = { status: 'failed', entries: [], error };
  }
}

const sorted = (entries: readonly Entry[]): Entry[] => [...entries].sort(byName);
