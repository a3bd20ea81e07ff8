// The issuer: where it is asked, found by discovery (OIDC Discovery 1.0), and what it answers.

import { config } from '../api/config';

export interface Issuer {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
  /** RFC 7009. */
  revocation_endpoint?: string;
}

export interface Tokens {
  access_token: string;
  expires_in?: number;
  id_token?: string;
  refresh_token?: string;
}

let found: Promise<Issuer> | undefined;

/** The issuer's addresses. A failed attempt is made again the next time, and `anew` asks whether it is there now. */
export function issuer({ anew = false } = {}): Promise<Issuer> {
  if (anew) found = undefined;
  found ??= discover().catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found;
}

async function discover(): Promise<Issuer> {
  const expected = (await config()).issuer;
  const url = `${expected.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const answer = await fetch(url).catch(() => undefined);
  if (!answer?.ok) throw new Error(`the identity provider ${expected} cannot be reached`);
  const document = (await answer.json()) as Issuer;
  if (document.issuer !== expected) throw new Error('the identity provider is not the one that is configured');
  const { authorization_endpoint, token_endpoint, end_session_endpoint, revocation_endpoint } = document;
  // The browser is sent to these, or what proves who one is.
  for (const endpoint of [authorization_endpoint, token_endpoint, end_session_endpoint ?? expected, revocation_endpoint ?? expected]) {
    if (!isSafe(endpoint, expected)) throw new Error('the identity provider names an address that is not https');
  }
  return document;
}

const isLoopback = ({ hostname }: URL): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);

/** Whether an address may be told secrets: by https alone, unless it and the issuer are on this machine and alike. */
export function isSafe(endpoint: unknown, issuer: string): boolean {
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) return false;
  const [of, at] = [new URL(issuer), new URL(endpoint)];
  return at.protocol === 'https:' || (at.protocol === 'http:' && of.protocol === 'http:' && isLoopback(of) && isLoopback(at));
}

/** Has the issuer take a refresh token back, where it can (RFC 7009); whether it did. */
export async function revoke(token: string): Promise<boolean> {
  const { client_id } = await config();
  const { revocation_endpoint } = await issuer();
  if (!revocation_endpoint) return false;
  const body = new URLSearchParams({ client_id, token, token_type_hint: 'refresh_token' });
  const answer = await fetch(revocation_endpoint, { method: 'POST', body }).catch(() => undefined);
  return answer?.ok ?? false;
}

/** Asks the issuer's token endpoint. */
export async function tokens(asked: Record<string, string>): Promise<Tokens> {
  const { client_id } = await config();
  const { token_endpoint } = await issuer();
  const body = new URLSearchParams({ client_id, ...asked });
  const answer = await fetch(token_endpoint, { method: 'POST', body });
  if (!answer.ok) throw new Error(`the identity provider refused (${answer.status})`);
  return (await answer.json()) as Tokens;
}
