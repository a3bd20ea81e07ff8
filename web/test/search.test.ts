import { expect, it } from 'vitest';
import { byName } from '../src/lib/search';

const of = (organization: string, project: string, resource_id: string) => ({ organization, project: { project_id: project, name: project }, resource: { resource_id, name: '', type: '' } });

it('resources stand by organization, project and id, and numbers as numbers', () => {
  const all = [of('b', 'a', 'x'), of('a', 'shop two', 'x'), of('a', 'shop', 'zz'), of('a', 'shop', 'pod-10'), of('a', 'shop', 'pod-9')];
  expect(all.sort(byName).map(({ organization, project, resource }) => [organization, project.name, resource.resource_id].join())).toEqual(
    ['a,shop,pod-9', 'a,shop,pod-10', 'a,shop,zz', 'a,shop two,x', 'b,a,x']);
});
