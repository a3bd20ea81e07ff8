// Who holds which role where, and what the caller may.

import { ask, get, list } from './request';
import type { Held, ScopeType } from '../lib/access';

export interface Role {
  role_id: string;
  name: string;
  display_name: string;
  description: string | null;
}
export interface Assignment {
  assignment_id: string;
  user_id: string;
  expires_at: string | null;
  user: { name: string | null; email: string | null };
  role: Role;
  inheritance_type: 'direct' | 'inherited';
  inherited_from_scope_type?: ScopeType;
  inherited_from_scope_id?: string;
  inherited_from_name?: string;
}
/** A place at which roles are held. */
export interface At {
  type: ScopeType;
  id: string;
  path: string;
}

export const roles = (signal: AbortSignal): Promise<Role[]> => get('roles', { signal });
export const assignments = (at: At, signal: AbortSignal): Promise<Assignment[]> => list(`${at.path}/rbac`, { signal });

/** What of the management a role lets its holder do. */
export async function permissionsOf({ role_id }: Role, signal: AbortSignal): Promise<string[]> {
  const all = await get<{ resource_type: string; action: string }[]>(`roles/${encodeURIComponent(role_id)}/permissions`, { signal });
  return all.filter(({ resource_type }) => resource_type === 'Konnektr.KtrlPlane').map(({ action }) => action);
}

/** What the caller may do at a place: nothing where they hold nothing, whether or not it exists. */
export async function held({ type, id }: At, signal: AbortSignal): Promise<Held> {
  const { permissions } = await get<{ permissions: string[] }>('permissions/check', { params: { scopeType: type, scopeId: id }, signal });
  return { type, id, permissions };
}

/** Gives a role: to an address where there is an `@` and no provider's prefix, and otherwise to a subject. */
export async function grant(at: At, to: string, role_id: string, expires_at: string | undefined): Promise<void> {
  const who = /^[^\s|]+@[^\s|]+$/.test(to) ? { email: to } : { user_id: to };
  await ask(`${at.path}/rbac`, { method: 'POST', json: { ...who, role_id, ...(expires_at === undefined ? {} : { expires_at }) } });
}

export async function withdraw(at: At, { assignment_id }: Assignment): Promise<void> {
  await ask(`${at.path}/rbac/${encodeURIComponent(assignment_id)}`, { method: 'DELETE' });
}
