// Organizations, projects and resources that the caller may read.

import { list } from './request';

export interface Organization {
  org_id: string;
  name: string;
}
export interface Project {
  project_id: string;
  org_id: string | null;
  name: string;
}
export interface Resource {
  resource_id: string;
  project_id: string;
  name: string;
  type: string;
}

export const organizations = (): Promise<Organization[]> => list('organizations');
export const projects = (): Promise<Project[]> => list('projects');
export const resources = (project: string): Promise<Resource[]> =>
  list(`projects/${encodeURIComponent(project)}/resources`);
