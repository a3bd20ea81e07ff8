// Who is signed in. Tokens are in this module's memory and nowhere else: not in storage, not in the URL,
// not in a cookie. What storage holds while somebody is away at the issuer is what they come back to.

import { signal } from '@preact/signals';
import { config } from '../api/config';
import { issuer, revoke, tokens, type Tokens } from './issuer';
import { challenge, claims, secret } from './pkce';

export type Session =
  | { status: 'starting' }
  /** `forget` where nothing that was kept for who left is to remain in the browser. */
  | { status: 'out'; why?: string; forget?: boolean }
  | { status: 'in'; name: string; subject: string; issuer: string };

export const session = signal<Session>({ status: 'starting' });

/** What waits for the answer of the issuer, under its `state`. */
interface Waiting {
  verifier: string;
  nonce: string;
  fragment: string;
  /** Who was signed in when the issuer was asked without them; nobody else may come back. */
  as?: string;
}

/** Who had signed in in this tab, so that a reload asks the issuer before it asks them. */
const KNOWN = 'explore.known';
/** When this tab was last sent to the issuer for a token, and how long it is not sent again. */
const RENEWED = 'explore.renewed';
const AGAIN = 30_000;
const waitingAt = (state: string): string => `explore.sign-in.${state}`;
/** The page's own address, as the issuer knows it. */
const home = (): string => new URL('.', document.baseURI).href;
/** How long before its end a token is renewed, in milliseconds. */
const EARLY = 60_000;

let access: string | undefined;
let refresh: string | undefined;
let until = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let renewing: Promise<void> | undefined;
/** How often somebody has left: what was asked for before that is nobody's. */
let left = 0;

/** The page's other tabs: who signs out leaves all of them. */
const LEFT = 'left';
const tabs = new BroadcastChannel('explore');
tabs.onmessage = ({ data }: MessageEvent) => {
  if (data !== LEFT || session.value.status === 'out') return;
  const token = refresh;
  leave('You signed out in another tab.', { forget: true });
  if (token !== undefined) void revoke(token).catch(() => false);
};

/** Looks where one stands: coming back from the issuer, known to it, or new. */
export async function start(): Promise<void> {
  try {
    const answer = new URLSearchParams(location.search);
    if (answer.has('state')) await finish(answer);
    else await comeBack();
  } catch (error) {
    leave(error instanceof Error ? error.message : String(error));
  }
}

/** Asks the issuer for who had signed in here, if anybody had. */
async function comeBack(why?: string): Promise<void> {
  if (sessionStorage.getItem(KNOWN)) await signIn({ silent: true });
  else leave(why);
}

/** Goes to the issuer, to come back to the same place. */
export async function signIn({ hint, silent = false }: { hint?: string; silent?: boolean } = {}): Promise<void> {
  const { client_id, audience, scopes } = await config();
  const { authorization_endpoint } = await issuer();
  const [state, verifier, nonce] = [secret(), secret(), secret()];
  const as = silent ? sessionStorage.getItem(KNOWN) : null;
  const waiting: Waiting = { verifier, nonce, fragment: location.hash, ...(as === null ? {} : { as }) };
  sessionStorage.setItem(waitingAt(state), JSON.stringify(waiting));
  const url = new URL(authorization_endpoint);
  const asked = {
    client_id, audience, state, nonce,
    response_type: 'code',
    redirect_uri: home(),
    scope: scopes.join(' '),
    code_challenge: await challenge(verifier),
    code_challenge_method: 'S256',
    ...(silent ? { prompt: 'none' } : {}),
    ...(hint ? { login_hint: hint } : {}),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  location.assign(url);
}

async function finish(answer: URLSearchParams): Promise<void> {
  const at = waitingAt(answer.get('state') ?? '');
  const kept = sessionStorage.getItem(at);
  sessionStorage.removeItem(at);
  const waiting = kept === null ? undefined : (JSON.parse(kept) as Waiting);
  // The code leaves the URL before anything else happens, and the place comes back.
  history.replaceState(null, '', `${location.pathname}${waiting?.fragment ?? location.hash}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
  // Anybody can write such a link. It ends nothing: who was signed in goes on.
  if (!waiting) return comeBack('This sign-in was not begun in this tab. Please try again.');
  const by = answer.get('iss');
  if (by !== null && by !== (await config()).issuer) return leave('Another identity provider has answered.');
  const error = answer.get('error');
  if (error !== null) {
    const silent = ['login_required', 'interaction_required', 'consent_required', 'account_selection_required'];
    return leave(silent.includes(error) ? undefined : `The identity provider says: ${answer.get('error_description') ?? error}`);
  }
  const before = left;
  const given = await tokens({
    grant_type: 'authorization_code',
    code: answer.get('code') ?? '',
    code_verifier: waiting.verifier,
    redirect_uri: home(),
  });
  const who = await identity(given, waiting.nonce);
  if (left !== before) return discard(given);
  if (waiting.as !== undefined && waiting.as !== who.subject) return replaced(given, who.name);
  hold(given);
  sessionStorage.setItem(KNOWN, who.subject);
  session.value = { status: 'in', ...who };
}

/** Ends the session since the issuer knows somebody else by now. Nobody goes on as another one unasked. */
async function replaced(given: Tokens, name: string): Promise<void> {
  leave(`Somebody else has signed in at the identity provider in this browser: ${name}. Sign in to go on as them, or as yourself.`, { forget: true });
  await discard(given);
}

/** Gives back what nobody is to use. */
async function discard({ refresh_token }: Tokens): Promise<void> {
  if (refresh_token !== undefined) await revoke(refresh_token).catch(() => false);
}

/** Checks what the issuer says of who signed in (OIDC Core 1.0, section 3.1.3.7). */
async function identity({ id_token }: Tokens, nonce: string): Promise<{ name: string; subject: string; issuer: string }> {
  const { client_id, issuer } = await config();
  const said = claims(id_token ?? '');
  const audiences = [said['aud']].flat();
  if (said['nonce'] !== nonce || said['iss'] !== issuer || !audiences.includes(client_id)) {
    throw new Error('The identity provider answered somebody else. Please try again.');
  }
  const subject = String(said['sub']);
  return { subject, issuer, name: String(said['name'] ?? said['email'] ?? subject) };
}

function hold({ access_token, expires_in, refresh_token }: Tokens): void {
  access = access_token;
  refresh = refresh_token ?? refresh;
  const exp = Number(claims(access_token)['exp']) * 1000;
  until = expires_in === undefined ? exp || Infinity : Date.now() + expires_in * 1000;
  clearTimeout(timer);
  if (refresh && Number.isFinite(until)) timer = setTimeout(() => void renew().catch(() => {}), Math.max(until - Date.now() - EARLY, 1000));
}

/** A token that is good now. */
export async function token(): Promise<string> {
  if (!access || Date.now() > until - 5000) await renew();
  if (!access) throw new Error('nobody is signed in');
  return access;
}

/** A new token by the refresh token or, without one, by way of the issuer. Several who ask get one. */
export function renew(): Promise<void> {
  renewing ??= (async () => {
    try {
      // Who left is not brought back by a request that was on its way.
      if (session.value.status !== 'in') throw new Error('nobody is signed in');
      if (refresh) await exchange(refresh);
      else await goAndComeBack();
    } catch (error) {
      if (session.value.status === 'in') leave('Your session has ended.');
      throw error;
    } finally {
      renewing = undefined;
    }
  })();
  return renewing;
}

/** A new token for a refresh token, of the one who is signed in and of nobody else (OIDC Core 1.0, section 12.2). */
async function exchange(refresh_token: string): Promise<void> {
  const given = await tokens({ grant_type: 'refresh_token', refresh_token });
  const now = session.value;
  // Who signed out meanwhile has nothing renewed.
  if (now.status !== 'in') {
    await discard(given);
    throw new Error('nobody is signed in');
  }
  const subject = given.id_token === undefined ? now.subject : String(claims(given.id_token)['sub']);
  if (subject !== now.subject) {
    await replaced(given, subject);
    throw new Error('somebody else was signed in');
  }
  hold(given);
}

/** Renews by way of the issuer. It does not return: the page is left. A token that is not taken right after it was given is not asked for again and again. */
async function goAndComeBack(): Promise<never> {
  if (Date.now() - Number(sessionStorage.getItem(RENEWED)) < AGAIN) throw new Error('the last token was just given');
  sessionStorage.setItem(RENEWED, String(Date.now()));
  await signIn({ silent: true });
  return new Promise<never>(() => {});
}

/** Forgets everything here; the issuer's own session goes on. */
export function leave(why?: string, { forget = false } = {}): void {
  left += 1;
  [access, refresh, until] = [undefined, undefined, 0];
  clearTimeout(timer);
  sessionStorage.removeItem(KNOWN);
  session.value = { status: 'out', ...(why === undefined ? {} : { why }), ...(forget ? { forget } : {}) };
}

/** Ends the session here, in the page's other tabs and at the issuer, and says what could not be ended. */
export async function signOut(): Promise<void> {
  const token = refresh;
  leave(undefined, { forget: true });
  tabs.postMessage(LEFT);
  try {
    const { client_id } = await config();
    // Its addresses are known; whether it can be reached is not.
    const { end_session_endpoint } = await issuer({ anew: true });
    const isRevoked = token === undefined || (await revoke(token));
    if (end_session_endpoint) {
      const url = new URL(end_session_endpoint);
      url.searchParams.set('client_id', client_id);
      url.searchParams.set('post_logout_redirect_uri', home());
      location.assign(url);
    } else if (!isRevoked) {
      leave('You are signed out here. The identity provider cannot be told to end your session there.', { forget: true });
    }
  } catch {
    leave('You are signed out here. The identity provider cannot be reached, so your session there goes on: sign out there as well.', { forget: true });
  }
}
