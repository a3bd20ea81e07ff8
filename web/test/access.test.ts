import { describe, expect, it } from 'vitest';
import { alike, endOf, sentence, sources, type Held } from '../src/lib/access';

const held = (type: Held['type'], ...permissions: string[]): Held => ({ type, id: type, permissions });

describe('where permissions come from', () => {
  it('is the outermost place that gives them', () => {
    const all = [held('organization', 'read'), held('project', 'read', 'write'), held('resource', 'read', 'write')];
    expect(sources(all).map(({ from, permissions }) => [from.type, permissions])).toEqual([['organization', ['read']], ['project', ['write']]]);
  });
  it('is nowhere where nothing is held', () => {
    expect(sources([held('organization'), held('project')])).toEqual([]);
  });
});

it('a role is known by what it holds, and by nothing less', () => {
  const roles = [{ name: 'Viewer', permissions: ['read'] }, { name: 'Editor', permissions: ['write', 'read'] }];
  expect(alike(['read', 'write'], roles)).toEqual(['Editor']);
  expect(alike(['read'], roles)).toEqual(['Viewer']);
  expect([alike(['read', 'delete'], roles), alike([], roles)]).toEqual([[], []]);
});

it('a list is a sentence', () => {
  expect([[], ['a'], ['a', 'b'], ['a', 'b', 'c']].map(sentence)).toEqual(['', 'a', 'a and b', 'a, b and c']);
});

it('a role that ends on a day is held until the day is over', () => {
  expect(endOf('2030-01-31')).toBe(new Date(2030, 0, 31, 23, 59, 59).toISOString());
  expect([endOf(''), endOf('31.1.2030'), endOf('2030-13-31')]).toEqual([undefined, undefined, undefined]);
});
