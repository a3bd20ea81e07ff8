// Finding resources by what people remember of them.

interface Findable {
  organization: string;
  project: { project_id: string; name: string };
  resource: { resource_id: string; name: string; type: string };
}

/** Those in which every word of the text occurs somewhere. */
export function search<T extends Findable>(entries: readonly T[], text: string): T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(({ organization, project, resource }) => {
    const all = [organization, project.project_id, project.name, resource.resource_id, resource.name, resource.type];
    const hay = all.join('\n').toLowerCase();
    return words.every((word) => hay.includes(word));
  });
}

const collator = new Intl.Collator('en', { numeric: true });

/** By organization, project and resource, each by its name as it is shown, and numbers as numbers. */
export function byName(one: Findable, other: Findable): number {
  const parts = ({ organization, project, resource }: Findable): string[] => [organization, project.name, project.project_id, resource.resource_id];
  const others = parts(other);
  return parts(one).reduce((found, part, at) => found || collator.compare(part, others[at]!), 0);
}
