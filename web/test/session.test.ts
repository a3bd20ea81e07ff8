// Signing in and out, with an issuer of our own and tabs that are instances of the modules.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const ISSUER = 'https://issuer.example';
const PAGE = 'https://gateway.example/explore/';
const CONFIG = { issuer: ISSUER, client_id: 'explore', audience: 'api', scopes: ['openid'], users: [], version: '0' };

class Store {
  private readonly all = new Map<string, string>();
  get length(): number { return this.all.size; }
  getItem(name: string): string | null { return this.all.get(name) ?? null; }
  setItem(name: string, value: string): void { this.all.set(name, value); }
  removeItem(name: string): void { this.all.delete(name); }
}

const jwt = (claims: object): string => `h.${btoa(JSON.stringify(claims)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}.s`;

let discovery: Record<string, string>;
/** Who is signed in at the issuer. */
let subject: string;
let reachable: boolean;
let asked: { url: string; form: URLSearchParams }[];
let gone: string[];
let issued = 0;
let nonce = '';
const opened: BroadcastChannel[] = [];

vi.setConfig({ testTimeout: 60_000 });

beforeEach(() => {
  discovery = { issuer: ISSUER, ...Object.fromEntries(['authorization', 'token', 'end_session', 'revocation'].map((name) => [`${name}_endpoint`, `${ISSUER}/${name}`])) };
  [subject, reachable, asked, gone] = ['victor', true, [], []];
  vi.stubGlobal('document', { baseURI: PAGE });
  vi.stubGlobal('localStorage', new Store());
  vi.stubGlobal('history', { replaceState: (_: unknown, __: string, url: string) => Object.assign(location, { search: '', hash: url.includes('#') ? url.slice(url.indexOf('#')) : '' }) });
  vi.stubGlobal('dispatchEvent', () => true);
  vi.stubGlobal('HashChangeEvent', class {});
  vi.stubGlobal('fetch', async (url: URL | string, { body }: RequestInit = {}) => {
    const to = String(url);
    if (to === `${PAGE}config.json`) return Response.json(CONFIG);
    if (!reachable) throw new TypeError('no network');
    if (to.endsWith('/openid-configuration')) return Response.json(discovery);
    asked.push({ url: to, form: new URLSearchParams(String(body)) });
    if (to === discovery['revocation_endpoint']) return new Response();
    issued += 1;
    return Response.json({ access_token: jwt({ exp: Date.now() / 1000 + 600 }), expires_in: 600, refresh_token: `refresh ${issued}`, id_token: jwt({ iss: ISSUER, aud: 'explore', sub: subject, name: subject, nonce }) });
  });
  const Real = BroadcastChannel;
  vi.stubGlobal('BroadcastChannel', class extends Real {
    constructor(name: string) {
      super(name);
      opened.push(this);
    }
  });
});
afterEach(() => {
  for (const channel of opened.splice(0)) channel.close();
  vi.unstubAllGlobals();
});

/** A tab at an address; what it kept before a reload is given. */
async function tab(search = '', kept = new Store()) {
  vi.resetModules();
  vi.stubGlobal('sessionStorage', kept);
  vi.stubGlobal('location', { search, hash: '#/logs', pathname: '/explore/', origin: 'https://gateway.example', assign: (url: URL) => gone.push(url.href) });
  const session = await import('../src/auth/session');
  const history = await import('../src/state/history');
  return { ...session, past: history, kept };
}

/** The way back from where a tab was sent: the search of its next address. */
function answered(): string {
  const to = new URL(gone.at(-1)!);
  nonce = to.searchParams.get('nonce')!;
  return `?code=c&state=${to.searchParams.get('state')!}&iss=${encodeURIComponent(ISSUER)}`;
}

async function signedIn(kept = new Store()) {
  const before = await tab('', kept);
  await before.start();
  await before.signIn();
  const at = await tab(answered(), kept);
  await at.start();
  expect(at.session.value).toMatchObject({ status: 'in', subject });
  return at;
}

const revoked = (): (string | null)[] => asked.filter(({ url }) => url === `${ISSUER}/revocation`).map(({ form }) => form.get('token'));

it('who signs out has the refresh token revoked, and goes to the issuer', async () => {
  const at = await signedIn();
  await at.signOut();
  expect(at.session.value).toEqual({ status: 'out', forget: true });
  expect(revoked()).toEqual([`refresh ${issued}`]);
  expect(asked.at(-1)!.form.get('client_id')).toBe('explore');
  expect(gone.at(-1)).toMatch(`${ISSUER}/end_session?client_id=explore&post_logout_redirect_uri=`);
  expect(at.kept.length).toBe(0);
});

it('who signs out leaves the other tabs, too, with tokens and history', async () => {
  const one = await signedIn();
  one.past.keep('p/r', 'up');
  const other = await signedIn();
  expect(other.past.history.value).toHaveLength(1);
  const [first, second] = [`refresh ${issued - 1}`, `refresh ${issued}`];
  await other.signOut();
  await vi.waitFor(() => expect(one.session.value).toEqual({ status: 'out', why: 'You signed out in another tab.', forget: true }), 30_000);
  await expect(one.token()).rejects.toThrow();
  await vi.waitFor(() => expect(revoked().sort()).toEqual([first, second].sort()), 30_000);
  expect(one.past.history.value).toEqual([]);
  expect(localStorage.length).toBe(0);
});

it('an issuer that cannot be reached at sign-out is said', async () => {
  const at = await signedIn();
  reachable = false;
  const before = gone.length;
  await at.signOut();
  expect(at.session.value).toMatchObject({ status: 'out', why: expect.stringContaining('The identity provider cannot be reached') as string });
  expect(gone).toHaveLength(before);
});

it('an issuer that has neither address is said to go on', async () => {
  const { end_session_endpoint: _, revocation_endpoint: __, ...rest } = discovery;
  discovery = rest as typeof discovery;
  const at = await signedIn();
  await at.signOut();
  expect(at.session.value).toMatchObject({ status: 'out', why: expect.stringContaining('cannot be told') as string });
});

it.each(['?code=stolen&state=unknown', '?error=access_denied&state=unknown', '?state='])('the link %s ends no session and begins none', async (search) => {
  const { kept } = await signedIn();
  const before = asked.length;
  const at = await tab(search, kept);
  await at.start();
  // The issuer is asked for who is signed in, as at any reload.
  expect(new URL(gone.at(-1)!).searchParams.get('prompt')).toBe('none');
  expect(at.session.value.status).toBe('starting');
  const back = await tab(answered(), kept);
  await back.start();
  expect(back.session.value).toMatchObject({ status: 'in', subject: 'victor' });
  expect(asked.slice(before).every(({ form }) => form.get('code') === 'c')).toBe(true);
  // Nor is anybody signed in by it who was not.
  const stranger = await tab(search);
  await stranger.start();
  expect(stranger.session.value).toMatchObject({ status: 'out', why: expect.stringContaining('not begun in this tab') as string });
});

it('another subject than the one who was signed in is told, and nobody is signed in', async () => {
  const first = await signedIn();
  first.past.keep('p/r', 'up');
  const { kept } = first;
  const again = await tab('', kept);
  await again.start();
  subject = 'mallory';
  const back = await tab(answered(), kept);
  await back.start();
  expect(back.session.value).toMatchObject({ status: 'out', forget: true, why: expect.stringContaining('Somebody else has signed in at the identity provider in this browser: mallory') as string });
  expect(revoked()).toEqual([`refresh ${issued}`]);
  await expect(back.token()).rejects.toThrow();
  expect(localStorage.length).toBe(0);
  expect(kept.getItem('explore.known')).toBeNull();
});

it('a refresh token that brings another subject ends the session', async () => {
  const at = await signedIn();
  subject = 'mallory';
  await expect(at.renew()).rejects.toThrow('somebody else');
  expect(at.session.value).toMatchObject({ status: 'out', why: expect.stringContaining('Somebody else') as string });
  expect(revoked()).toEqual([`refresh ${issued}`]);
});

it('what is renewed after somebody signed out is given back', async () => {
  const at = await signedIn();
  const renewing = at.renew();
  await at.signOut();
  await expect(renewing).rejects.toThrow();
  expect(at.session.value.status).toBe('out');
  await expect(at.token()).rejects.toThrow();
  expect(revoked()).toContain(`refresh ${issued}`);
});

it('queries are remembered for who ran them, and dropped when another one signs in', async () => {
  const at = await signedIn();
  at.past.keep('p/r', 'up');
  expect((await signedIn()).past.history.value).toEqual([{ of: 'p/r', query: 'up' }]);
  subject = 'mallory';
  const other = await signedIn();
  expect(other.past.history.value).toEqual([]);
  expect(localStorage.length).toBe(0);
  subject = 'victor';
  expect((await signedIn()).past.history.value).toEqual([]);
  // A tab of before writes nothing among another one's.
  other.past.keep('p/r', 'hers');
  at.past.keep('p/r', 'his');
  expect(at.past.history.value).toEqual([{ of: 'p/r', query: 'his' }]);
});

it.each([
  ['https://issuer.example', 'https://login.issuer.example/token', true],
  ['https://issuer.example', 'http://issuer.example/token', false],
  ['https://issuer.example', 'http://127.0.0.1/token', false],
  ['https://issuer.example', 'javascript:alert(1)', false],
  ['https://issuer.example', 'data:text/html,x', false],
  ['https://issuer.example', '/token', false],
  ['https://issuer.example', undefined, false],
  ['http://127.0.0.1:4000', 'http://127.0.0.1:4000/token', true],
  ['http://[::1]:4000', 'http://localhost/token', true],
  ['http://localhost:4000', 'https://issuer.example/token', true],
  ['http://localhost:4000', 'http://issuer.example/token', false],
  ['http://issuer.internal', 'http://issuer.internal/token', false],
  ['http://127.0.0.1.elsewhere.example', 'http://127.0.0.1.elsewhere.example/token', false],
])('of the issuer %s, %s is trusted: %s', async (of, endpoint, is) => {
  const { isSafe } = await import('../src/auth/issuer');
  expect(isSafe(endpoint, of)).toBe(is);
});

it.each(['authorization_endpoint', 'token_endpoint', 'end_session_endpoint', 'revocation_endpoint'])('an issuer whose %s is not https is not used', async (name) => {
  discovery[name] = 'http://issuer.example/x';
  const at = await tab();
  await expect(at.signIn()).rejects.toThrow('not https');
  expect(gone).toEqual([]);
});
