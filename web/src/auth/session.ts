// Who is signed in. Tokens are in this module's memory and nowhere else: not in storage, not in the URL,
// not in a cookie. What storage holds while somebody is away at the issuer is what they come back to.

import { signal } from '@preact/signals';
import { config } from '../api/config';
import { issuer, tokens, type Tokens } from './issuer';
import { challenge, claims, secret } from './pkce';

export type Session =
  | { status: 'starting' }
  | { status: 'out'; why?: string }
  | { status: 'in'; name: string; subject: string };

export const session = signal<Session>({ status: 'starting' });

/** What waits for the answer of the issuer, under its `state`. */
interface Waiting {
  verifier: string;
  nonce: string;
  fragment: string;
}

/** Says that somebody had signed in in this tab, so that a reload asks the issuer before it asks them. */
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

/** Looks where one stands: coming back from the issuer, known to it, or new. */
export async function start(): Promise<void> {
  try {
    const answer = new URLSearchParams(location.search);
    if (answer.has('state')) await finish(answer);
    else if (sessionStorage.getItem(KNOWN)) await signIn({ silent: true });
    else session.value = { status: 'out' };
  } catch (error) {
    leave(error instanceof Error ? error.message : String(error));
  }
}

/** Goes to the issuer, to come back to the same place. */
export async function signIn({ hint, silent = false }: { hint?: string; silent?: boolean } = {}): Promise<void> {
  const { client_id, audience, scopes } = await config();
  const { authorization_endpoint } = await issuer();
  const [state, verifier, nonce] = [secret(), secret(), secret()];
  const waiting: Waiting = { verifier, nonce, fragment: location.hash };
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
  history.replaceState(null, '', `${location.pathname}${waiting?.fragment ?? ''}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
  if (!waiting) return leave('This sign-in was not begun in this tab. Please try again.');
  const by = answer.get('iss');
  if (by !== null && by !== (await config()).issuer) return leave('Another identity provider has answered.');
  const error = answer.get('error');
  if (error !== null) {
    const silent = ['login_required', 'interaction_required', 'consent_required', 'account_selection_required'];
    return leave(silent.includes(error) ? undefined : `The identity provider says: ${answer.get('error_description') ?? error}`);
  }
  const given = await tokens({
    grant_type: 'authorization_code',
    code: answer.get('code') ?? '',
    code_verifier: waiting.verifier,
    redirect_uri: home(),
  });
  const who = await identity(given, waiting.nonce);
  hold(given);
  sessionStorage.setItem(KNOWN, '1');
  session.value = { status: 'in', ...who };
}

/** Checks what the issuer says of who signed in (OIDC Core 1.0, section 3.1.3.7). */
async function identity({ id_token }: Tokens, nonce: string): Promise<{ name: string; subject: string }> {
  const { client_id, issuer } = await config();
  const said = claims(id_token ?? '');
  const audiences = [said['aud']].flat();
  if (said['nonce'] !== nonce || said['iss'] !== issuer || !audiences.includes(client_id)) {
    throw new Error('The identity provider answered somebody else. Please try again.');
  }
  const subject = String(said['sub']);
  return { subject, name: String(said['name'] ?? said['email'] ?? subject) };
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
      if (refresh) hold(await tokens({ grant_type: 'refresh_token', refresh_token: refresh }));
      else await goAndComeBack();
    } catch (error) {
      leave('Your session has ended.');
      throw error;
    } finally {
      renewing = undefined;
    }
  })();
  return renewing;
}

/** Renews by way of the issuer. It does not return: the page is left. A token that is not taken right after it was given is not asked for again and again. */
async function goAndComeBack(): Promise<never> {
  if (Date.now() - Number(sessionStorage.getItem(RENEWED)) < AGAIN) throw new Error('the last token was just given');
  sessionStorage.setItem(RENEWED, String(Date.now()));
  await signIn({ silent: true });
  return new Promise<never>(() => {});
}

/** Forgets everything here; the issuer's own session goes on. */
export function leave(why?: string): void {
  [access, refresh, until] = [undefined, undefined, 0];
  clearTimeout(timer);
  sessionStorage.removeItem(KNOWN);
  session.value = why === undefined ? { status: 'out' } : { status: 'out', why };
}

/** Ends the session here and at the issuer. */
export async function signOut(): Promise<void> {
  leave();
  const { client_id } = await config();
  const { end_session_endpoint } = await issuer();
  if (!end_session_endpoint) return;
  const url = new URL(end_session_endpoint);
  url.searchParams.set('client_id', client_id);
  url.searchParams.set('post_logout_redirect_uri', home());
  location.assign(url);
}
