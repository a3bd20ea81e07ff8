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
