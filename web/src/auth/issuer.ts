// The issuer: where it is asked, found by discovery (OIDC Discovery 1.0), and what it answers.

import { config } from '../api/config';

export interface Issuer {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
}

export interface Tokens {
  access_token: string;
  expires_in?: number;
  id_token?: string;
  refresh_token?: string;
}

let found: Promise<Issuer> | undefined;

/** The issuer's addresses. A failed attempt is made again the next time. */
export function issuer(): Promise<Issuer> {
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
  return document;
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
