// Why somebody may do what they may: where the permissions come from that they hold at a place.

import { own } from './own';

export type ScopeType = 'organization' | 'project' | 'resource';

/** What the API says of the caller at one of the places, the outermost first. */
export interface Held {
  type: ScopeType;
  id: string;
  permissions: readonly string[];
}

/** The outermost place at which each permission is held: a role there reaches all that is in it. */
export function sources(held: readonly Held[]): { from: Held; permissions: string[] }[] {
  const known = new Set<string>();
  const found: { from: Held; permissions: string[] }[] = [];
  for (const from of held) {
    const permissions = from.permissions.filter((permission) => !known.has(permission));
    for (const permission of permissions) known.add(permission);
    if (permissions.length) found.push({ from, permissions });
  }
  return found;
}

/** A role by its name, and what it holds. */
export interface Named {
  name: string;
  permissions: readonly string[];
}

/** The roles that hold exactly these permissions. */
export function alike(permissions: readonly string[], roles: readonly Named[]): string[] {
  const all = [...permissions].sort().join();
  return roles.filter((role) => [...role.permissions].sort().join() === all).map(({ name }) => name);
}

/** A list as a sentence has it. */
export function sentence(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** What people call what they may do. */
export function may(permission: string): string {
  return own({ read: 'read', write: 'change', delete: 'delete', manage_access: 'manage access' }, permission) ?? permission;
}

/** The end of a day in local time, as the API takes it; undefined for no end, or for no day. */
export function endOf(day: string): string | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined;
  const end = new Date(`${day}T23:59:59`);
  return Number.isNaN(end.getTime()) ? undefined : end.toISOString();
}
