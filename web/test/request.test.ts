import { expect, it, vi } from 'vitest';

vi.mock('../src/auth/session', () => ({ leave: () => {}, renew: () => Promise.resolve(), token: () => Promise.resolve('t') }));
vi.stubGlobal('document', { baseURI: 'https://gateway.example/sub/explore/' });
const { address, ask, list, resourcePath } = await import('../src/api/request');

const ROOT = new URL('https://gateway.example/sub/api/v1/');

it('a path of the API is below its address', () => {
  expect(address(`${resourcePath('p1', 'r1')}/logs`, ROOT).href).toBe(`${ROOT}projects/p1/resources/r1/logs`);
  // Subjects and the like may hold anything.
  expect(address(`projects/p1/rbac/${encodeURIComponent("a|b/../c d'é%")}`, ROOT).pathname).toContain('a%7Cb%2F..%2Fc%20d');
});

it.each([
  '', '..', '../x', 'projects/../..', 'projects//resources', '/projects', '//elsewhere.example/x', 'projects/', 'projects/./x',
  'projects/%2e%2e/x', 'projects/.%2E/x', 'projects/%2e/x', 'https://elsewhere.example/x', 'http:x', 'javascript:x', 'projects\\..\\x', 'projects/.\t./x',
  'projects?limit=1', 'projects#x', `${resourcePath('..', 'r1')}/logs`, `${resourcePath('p1', '.')}/logs`, `${resourcePath('p1', '')}/logs`,
])('no token goes to %j', async (path) => {
  const sent = vi.fn();
  vi.stubGlobal('fetch', sent);
  expect(() => address(path, ROOT)).toThrow('no address of the API');
  await expect(ask(path)).rejects.toThrow('no address of the API');
  expect(sent).not.toHaveBeenCalled();
});

it('the next page is asked at the same address, whatever a link says', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (url: URL) => {
    asked.push(url.href);
    const headers = asked.length < 2 ? { Link: '<https://elsewhere.example/x?limit=200&cursor=c%2B1>; rel="next"' } : {};
    return Promise.resolve(new Response(JSON.stringify([asked.length]), { headers }));
  });
  expect(await list('projects')).toEqual([1, 2]);
  expect(asked).toEqual([`${ROOT}projects?limit=200`, `${ROOT}projects?limit=200&cursor=c%2B1`]);
});
